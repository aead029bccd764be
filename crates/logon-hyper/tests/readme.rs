//! The README's server is the one that is compiled.

const README: &str = include_str!("../../../README.md");
const EXAMPLE: &str = include_str!("../examples/axum.rs");

#[test]
fn the_server_of_the_readme_is_the_example() {
    let code = EXAMPLE.find("use axum").map(|start| &EXAMPLE[start..]).unwrap();
    assert!(README.contains(code), "README.md and examples/axum.rs differ");
}
