//! Networks as ONNX files: the macro has printed the graph, and the numbers of the parameters are put beside it.

use std::path::Path;

use crate::checkpoint;
use crate::error::{Error, Result};
use crate::network::Net;

/// A network's prediction in ONNX's words, as the macro has printed it.
#[derive(Debug, Clone, Copy)]
pub struct Onnx {
    /// The fields of a `GraphProto`, without the parameters.
    pub graph: &'static [u8],
    /// The version of the operations.
    pub opset: u64,
    /// The parameters that it reads, by their numbers.
    pub parameters: &'static [usize],
}

/// The version of the format that has these operations.
const IR_VERSION: u64 = 8;
/// What protocol buffers can be at most, in bytes.
const LARGEST: usize = i32::MAX as usize;
/// `TensorProto.DataType.FLOAT`.
const FLOAT: u64 = 1;

impl Net {
    /// Writes what `predict` computes, with the weights as they are, as an ONNX file. The file is written whole or not at all.
    ///
    /// # Errors
    /// If the file cannot be written, if it would be larger than ONNX files can be (2 GiB), or if the device fails.
    pub fn export_onnx(&self, onnx: &Onnx, path: &Path) -> Result<()> {
        let values = self.backend.parameters()?;
        let used = onnx.parameters.iter().filter_map(|&number| self.program.parameters.get(number));
        let tensors: Vec<(Vec<u8>, &[f32])> = used
            .map(|parameter| {
                let numbers = checkpoint::slice(parameter, &values);
                let mut head = Vec::new();
                parameter.dims.iter().for_each(|&dim| int(&mut head, 1, dim as u64));
                int(&mut head, 2, FLOAT);
                text(&mut head, 8, parameter.name);
                length(&mut head, 9, size_of_val(numbers));
                let mut whole = Vec::new();
                length(&mut whole, 5, head.len() + size_of_val(numbers));
                whole.extend(head);
                (whole, numbers)
            })
            .collect();
        let sizes = tensors.iter().map(|(head, numbers)| head.len() + size_of_val(*numbers));
        let graph = onnx.graph.len() + sizes.sum::<usize>();
        let mut model = Vec::new();
        int(&mut model, 1, IR_VERSION);
        text(&mut model, 2, "nn");
        text(&mut model, 3, env!("CARGO_PKG_VERSION"));
        let mut opset = Vec::new();
        int(&mut opset, 2, onnx.opset);
        length(&mut model, 8, opset.len());
        model.extend(opset);
        length(&mut model, 7, graph);
        if graph + model.len() > LARGEST {
            let name = self.program.name;
            return Err(Error::Option(format!("`{name}` has {graph} bytes as ONNX, where files have less than 2 GiB")));
        }
        checkpoint::write(path, |file| {
            file.write_all(&model)?;
            file.write_all(onnx.graph)?;
            tensors.iter().try_for_each(|(head, numbers)| {
                file.write_all(head)?;
                file.write_all(&checkpoint::bytes(numbers))
            })
        })
    }
}

// Protocol buffers: a field is its number and kind, and a number, or a length and bytes.

fn varint(to: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        to.push(value as u8 | 0x80);
        value >>= 7;
    }
    to.push(value as u8);
}

fn int(to: &mut Vec<u8>, field: u64, value: u64) {
    varint(to, field << 3);
    varint(to, value);
}

fn length(to: &mut Vec<u8>, field: u64, bytes: usize) {
    varint(to, field << 3 | 2);
    varint(to, bytes as u64);
}

fn text(to: &mut Vec<u8>, field: u64, text: &str) {
    length(to, field, text.len());
    to.extend_from_slice(text.as_bytes());
}
