//! A sequence at once, in parts, and step by step: the state is what one leaves to the next.

use nn_tests::{Noise, assert_close, on_each_device};

const STEPS: usize = 12;
const PART: usize = 4;
const UNITS: usize = 6;

nn::network! {
    block by_layer(x, h, c) {
        (y, h_last, c_last) = x >> lstm(6, h = h, c = c);
        (y, h_last, c_last)
    }
    block by_scan(x, h, c) {
        scan y(x_t in x, h = h, c = c) {
            gates = linear(concat([x_t, h]), 4 * 6) >> layer_norm;
            (i, f, g, o) = chunk(gates, 4);
            c = sigmoid(f) * c + sigmoid(i) * tanh(g);
            h = sigmoid(o) * tanh(c);
            h
        }
        (y, y.h, y.c)
    }
    network LayerWhole {
        input x: [12, 3];
        (values, h, c) = x >> by_layer(zeros(6), zeros(6));
        output y = values; output h_last = h; output c_last = c;
    }
    network LayerPart {
        input x: [4, 3]; input h0: [6]; input c0: [6];
        (values, h, c) = x >> by_layer(h0, c0);
        output y = values; output h_last = h; output c_last = c;
    }
    network LayerStep {
        input x: [1, 3]; input h0: [6]; input c0: [6];
        (values, h, c) = x >> by_layer(h0, c0);
        output y = values; output h_last = h; output c_last = c;
    }
    network ScanWhole {
        input x: [12, 3];
        (values, h, c) = x >> by_scan(zeros(6), zeros(6));
        output y = values; output h_last = h; output c_last = c;
    }
    network ScanPart {
        input x: [4, 3]; input h0: [6]; input c0: [6];
        (values, h, c) = x >> by_scan(h0, c0);
        output y = values; output h_last = h; output c_last = c;
    }
    network ScanStep {
        input x: [1, 3]; input h0: [6]; input c0: [6];
        (values, h, c) = x >> by_scan(h0, c0);
        output y = values; output h_last = h; output c_last = c;
    }
}

/// Reads sequences in parts of so many steps, by a network that takes the whole one's parameters.
macro_rules! in_parts {
    ($whole:ident, $part:ident, $steps:expr, $xs:ident, $device:ident) => {{
        let mut part = $part::new($device, 0).unwrap();
        for parameter in $whole.parameters() {
            part.set_parameter(parameter.name, &$whole.parameter(parameter.name).unwrap()).unwrap();
        }
        let mut y: Vec<[[f32; UNITS]; STEPS]> = vec![[[0.0; UNITS]; STEPS]; $xs.len()];
        let (mut h, mut c) = (vec![[0.0; UNITS]; $xs.len()], vec![[0.0; UNITS]; $xs.len()]);
        for begin in (0..STEPS).step_by($steps) {
            let xs: Vec<[[f32; 3]; $steps]> = $xs.iter().map(|x| std::array::from_fn(|t| x[begin + t])).collect();
            let out = part.predict(&xs, &h, &c).unwrap();
            for (y, part) in y.iter_mut().zip(&out.y) {
                y[begin..begin + $steps].copy_from_slice(part);
            }
            (h, c) = (out.h_last, out.c_last);
        }
        (y, h, c)
    }};
}

macro_rules! carried {
    ($device:ident, $whole:ident, $part:ident, $step:ident) => {{
        let mut noise = Noise::new(3);
        let xs: Vec<[[f32; 3]; STEPS]> = (0..5).map(|_| std::array::from_fn(|_| noise.array())).collect();
        let whole = $whole::new($device, 7).unwrap();
        let at_once = whole.predict(&xs).unwrap();
        let (y, h, c) = in_parts!(whole, $part, PART, xs, $device);
        assert_eq!((&y, &h, &c), (&at_once.y, &at_once.h_last, &at_once.c_last), "bit for bit");
        let (y, h, c) = in_parts!(whole, $step, 1, xs, $device);
        let flat = |y: &[[[f32; UNITS]; STEPS]]| y.as_flattened().as_flattened().to_vec();
        assert_close("values step by step", &flat(&y), &flat(&at_once.y), 1e-5);
        assert_close("h", h.as_flattened(), at_once.h_last.as_flattened(), 1e-5);
        assert_close("c", c.as_flattened(), at_once.c_last.as_flattened(), 1e-5);
    }};
}

on_each_device! {
    fn a_layers_state_is_carried_on(device) {
        carried!(device, LayerWhole, LayerPart, LayerStep);
    }

    fn a_scans_state_is_carried_on(device) {
        carried!(device, ScanWhole, ScanPart, ScanStep);
    }
}
