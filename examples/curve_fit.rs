fn main() { println!("curve_fit"); }
