//! Links the examples at a fixed address, where the linker and the loader know how to.
//!
//! A program that may lie anywhere needs its tables of addresses corrected when it starts, which holds 0.3 MB of memory for good with
//! the default features; nobody else shares those pages. A user's program that counts such things does the same in a build script of its own.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = |key: &str| std::env::var(format!("CARGO_CFG_TARGET_{key}")).unwrap_or_default();
    if target("OS") == "linux" && target("ENV") == "gnu" && target("ARCH") == "x86_64" {
        println!("cargo::rustc-link-arg-examples=-no-pie");
    }
}
