use nn::network;

network! {
    pub network Example {
        input tokens: class(50)[4];
        read = tokens >> embedding(8);
        typo = read >> tied_linear("read.embeding");
        wide = read >> linear(9) >> tied_linear("read.embedding");
        unquoted = read >> tied_linear(embedding);
        output y = read >> tied_linear("read.embedding");
    }
}

fn main() {}
