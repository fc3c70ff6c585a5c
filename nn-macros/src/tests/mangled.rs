//! Nothing panics, whatever the tokens.

use std::time::Instant;

use super::mistakes;

#[test]
fn blocks_that_use_blocks_twice_end() {
    let mut source = "network N { input x: [4]; block b0(v) { v + 1.0 }".to_owned();
    for i in 1..=40 {
        source += &format!("block b{i}(v) {{ v >> b{} >> b{} }}", i - 1, i - 1);
    }
    let start = Instant::now();
    let found = mistakes(&(source + "output y = x >> b40; }"));
    println!("{:?} {found:#?}", start.elapsed());
    assert_eq!(found.len(), 1);
}
