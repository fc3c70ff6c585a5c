use nn::network;

network! {
    pub network Example {
        block b0(v) { v + 1.0 }
        block b1(v) { v >> b0 >> b0 }
        block b2(v) { v >> b1 >> b1 }
        block b3(v) { v >> b2 >> b2 }
        block b4(v) { v >> b3 >> b3 }
        block b5(v) { v >> b4 >> b4 }
        block b6(v) { v >> b5 >> b5 }
        block b7(v) { v >> b6 >> b6 }
        block b8(v) { v >> b7 >> b7 }
        block b9(v) { v >> b8 >> b8 }
        block b10(v) { v >> b9 >> b9 }
        block b11(v) { v >> b10 >> b10 }
        block b12(v) { v >> b11 >> b11 }
        block b13(v) { v >> b12 >> b12 }
        block b14(v) { v >> b13 >> b13 }
        block b15(v) { v >> b14 >> b14 }
        block b16(v) { v >> b15 >> b15 }
        block b17(v) { v >> b16 >> b16 }
        block b18(v) { v >> b17 >> b17 }
        block b19(v) { v >> b18 >> b18 }
        block b20(v) { v >> b19 >> b19 }
        block b21(v) { v >> b20 >> b20 }
        block b22(v) { v >> b21 >> b21 }
        block b23(v) { v >> b22 >> b22 }
        block b24(v) { v >> b23 >> b23 }
        block b25(v) { v >> b24 >> b24 }
        block b26(v) { v >> b25 >> b25 }
        block b27(v) { v >> b26 >> b26 }
        block b28(v) { v >> b27 >> b27 }
        block b29(v) { v >> b28 >> b28 }
        block b30(v) { v >> b29 >> b29 }
        block b31(v) { v >> b30 >> b30 }
        block b32(v) { v >> b31 >> b31 }
        block b33(v) { v >> b32 >> b32 }
        block b34(v) { v >> b33 >> b33 }
        block b35(v) { v >> b34 >> b34 }
        block b36(v) { v >> b35 >> b35 }
        block b37(v) { v >> b36 >> b36 }
        block b38(v) { v >> b37 >> b37 }
        block b39(v) { v >> b38 >> b38 }
        block b40(v) { v >> b39 >> b39 }
        input x: [4];
        output y = x >> b40;
    }
}

fn main() {}
