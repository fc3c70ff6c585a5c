fn main() { println!("logic_gates"); }
