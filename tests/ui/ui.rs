//! Compile errors and warnings, word for word. The toolchain that wrote the `.stderr` files is pinned; to write them anew,
//! set `TRYBUILD=overwrite`, and read what changed as a user would.

#[test]
fn mistakes_are_explained() {
    let cases = trybuild::TestCases::new();
    for topic in TOPICS {
        cases.compile_fail(format!("{topic}/*.rs"));
    }
    cases.pass("pass/*.rs");
}

const TOPICS: &[&str] = &[
    "blocks",
    "conditions",
    "constants",
    "images",
    "loops",
    "losses",
    "metrics",
    "names",
    "optimizers",
    "options",
    "passing",
    "precision",
    "recurrent",
    "scans",
    "several",
    "shapes",
    "sharing",
    "stepwise",
    "syntax",
    "types",
    "warnings",
    "weights",
];
