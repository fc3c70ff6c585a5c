//! The few messages of ONNX that a network needs, in protocol buffers' encoding: a message is its fields one after another, each a
//! tag and a number, or a tag, a length and bytes.

/// A message in the making.
#[derive(Clone, Debug, Default)]
pub(super) struct Message(Vec<u8>);

impl Message {
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    /// A whole number.
    pub(super) fn int(mut self, field: u64, value: i64) -> Self {
        self.varint(field << 3);
        self.varint(value as u64);
        self
    }

    /// Text, bytes or another message.
    pub(super) fn bytes(mut self, field: u64, value: &[u8]) -> Self {
        self.varint(field << 3 | 2);
        self.varint(value.len() as u64);
        self.0.extend_from_slice(value);
        self
    }

    pub(super) fn text(self, field: u64, value: &str) -> Self {
        self.bytes(field, value.as_bytes())
    }

    pub(super) fn message(self, field: u64, value: &Message) -> Self {
        self.bytes(field, &value.0)
    }
}

/// Types of elements, by ONNX's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Float = 1,
    Int64 = 7,
    Bool = 9,
}

/// A constant tensor (`TensorProto`).
pub(super) fn tensor(name: &str, kind: Type, dims: &[usize], data: &[u8]) -> Message {
    let dims = dims.iter().fold(Message::default(), |m, &d| m.int(1, d as i64));
    dims.int(2, kind as i64).text(8, name).bytes(9, data)
}

/// The name and type of an input or an output (`ValueInfoProto`): the batch, whose size is open, then these dimensions.
pub(super) fn value(name: &str, kind: Type, dims: &[usize]) -> Message {
    let batch = Message::default().text(2, "batch");
    let shape = dims.iter().fold(Message::default().message(1, &batch), |shape, &d| {
        shape.message(1, &Message::default().int(1, d as i64))
    });
    let tensor = Message::default().int(1, kind as i64).message(2, &shape);
    Message::default().text(1, name).message(2, &Message::default().message(1, &tensor))
}

/// The name of an input or an output of a body (`ValueInfoProto`): numbers, of a shape that follows from what is around it.
pub(super) fn inner_value(name: &str) -> Message {
    let tensor = Message::default().int(1, Type::Float as i64);
    Message::default().text(1, name).message(2, &Message::default().message(1, &tensor))
}

/// An operation with one result.
pub(super) fn node(op: &str, name: &str, inputs: &[String], output: &str, attributes: &[Attribute<'_>]) -> Message {
    node_of(op, name, inputs, &[output], attributes)
}

/// An operation (`NodeProto`).
pub(super) fn node_of(
    op: &str,
    name: &str,
    inputs: &[String],
    outputs: &[impl AsRef<str>],
    attributes: &[Attribute<'_>],
) -> Message {
    let node = inputs.iter().fold(Message::default(), |m, input| m.text(1, input));
    let node = outputs.iter().fold(node, |m, output| m.text(2, output.as_ref())).text(3, name).text(4, op);
    attributes.iter().fold(node, |node, attribute| node.message(5, &attribute.message()))
}

/// An attribute of an operation: its name and its value.
#[derive(Clone, Debug)]
pub(super) enum Attribute<'a> {
    Int(&'a str, i64),
    Ints(&'a str, Vec<i64>),
    Text(&'a str, String),
    Graph(&'a str, Message),
}

impl Attribute<'_> {
    fn message(&self) -> Message {
        const INT: i64 = 2;
        const STRING: i64 = 3;
        const GRAPH: i64 = 5;
        const INTS: i64 = 7;
        match self {
            Attribute::Int(name, value) => Message::default().text(1, name).int(3, *value).int(20, INT),
            Attribute::Ints(name, values) => {
                values.iter().fold(Message::default().text(1, name), |m, &v| m.int(8, v)).int(20, INTS)
            }
            Attribute::Graph(name, graph) => Message::default().text(1, name).message(6, graph).int(20, GRAPH),
            Attribute::Text(name, text) => Message::default().text(1, name).text(4, text).int(20, STRING),
        }
    }
}
