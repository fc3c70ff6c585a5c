fn main() { println!("classify_2d"); }
