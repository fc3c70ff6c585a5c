fn main() { println!("digits"); }
