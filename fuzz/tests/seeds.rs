//! Every seed, and the empty input, through its target: on any toolchain, without a fuzzer.

use logon_fuzz::TARGETS;
use std::fs;
use std::path::Path;

#[test]
fn every_target_holds_for_its_seeds() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (name, target) in TARGETS {
        target(&[]);
        let seeds = fs::read_dir(root.join("seeds").join(name)).expect(name);
        let mut count = 0;
        for seed in seeds {
            target(&fs::read(seed.unwrap().path()).unwrap());
            count += 1;
        }
        assert!(count > 0, "{name} has no seed");
        let binary = root.join("fuzz_targets").join(name).with_extension("rs");
        assert!(binary.is_file(), "{name} has no binary");
    }
}
