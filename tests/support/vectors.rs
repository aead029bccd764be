//! The loader of `testvectors/`, for integration tests:
//!
//! ```ignore
//! #[path = "support/vectors.rs"]
//! mod vectors;
//! ```
//!
//! Unit tests, in a crate without `std`'s prelude, take it in likewise.
//!
//! The format is described in `testvectors/README.md`. Whatever a case says has to be used: reading
//! an attribute twice panics, and so does dropping a [`Case`] with an attribute nobody read. A fact
//! in a file can therefore not be passed over without a test noticing.

// Each test binary compiles its own copy of this file and uses a part of it.
#![allow(dead_code)]

use std::borrow::ToOwned;
use std::cell::Cell;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::string::String;
use std::vec::Vec;
use std::{format, fs};

/// The cases of one file; `path` is relative to `testvectors/`.
pub(crate) fn load(path: &str) -> Vec<Case> {
    let text = fs::read_to_string(root().join(path));
    let text = text.unwrap_or_else(|error| panic!("testvectors/{path}: {error}"));
    let cases = parse(path, &text);
    assert!(!cases.is_empty(), "testvectors/{path}: no case");
    cases
}

/// The cases of every `.txt` file of one folder of `testvectors/`, in the order of the file names.
pub(crate) fn load_dir(folder: &str) -> Vec<Case> {
    let entries = fs::read_dir(root().join(folder));
    let entries = entries.unwrap_or_else(|error| panic!("testvectors/{folder}: {error}"));
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".txt"))
        .collect();
    assert!(!names.is_empty(), "testvectors/{folder}: no file");
    names.sort();
    let load_file = |name: &String| load(&format!("{folder}/{name}"));
    names.iter().flat_map(load_file).collect()
}

/// One block of a file.
#[derive(Debug)]
pub(crate) struct Case {
    file: String,
    id: String,
    kind: String,
    line: usize,
    attributes: Vec<Attribute>,
}

#[derive(Debug)]
struct Attribute {
    name: String,
    value: String,
    line: usize,
    read: Cell<bool>,
}

impl Case {
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn kind(&self) -> &str {
        &self.kind
    }

    /// The bytes of a hexadecimal attribute that has to be there.
    pub(crate) fn hex(&self, name: &str) -> Vec<u8> {
        self.opt_hex(name).unwrap_or_else(|| self.missing(name))
    }

    pub(crate) fn opt_hex(&self, name: &str) -> Option<Vec<u8>> {
        self.take(name).map(|attribute| self.decode(attribute))
    }

    pub(crate) fn list_hex(&self, name: &str) -> Vec<Vec<u8>> {
        let attributes = self.take_all(name).into_iter();
        attributes.map(|attribute| self.decode(attribute)).collect()
    }

    /// The text of an attribute that has to be there, without its quotation marks.
    pub(crate) fn text(&self, name: &str) -> String {
        self.opt_text(name).unwrap_or_else(|| self.missing(name))
    }

    pub(crate) fn opt_text(&self, name: &str) -> Option<String> {
        self.take(name).map(|attribute| attribute.value.clone())
    }

    pub(crate) fn list_text(&self, name: &str) -> Vec<String> {
        let attributes = self.take_all(name).into_iter();
        attributes.map(|attribute| attribute.value.clone()).collect()
    }

    /// A number, decimal or hexadecimal after `0x`.
    pub(crate) fn u64(&self, name: &str) -> u64 {
        self.opt_u64(name).unwrap_or_else(|| self.missing(name))
    }

    pub(crate) fn opt_u64(&self, name: &str) -> Option<u64> {
        let attribute = self.take(name)?;
        let number = match attribute.value.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16),
            None => attribute.value.parse(),
        };
        Some(number.unwrap_or_else(|_| self.fail(attribute.line, name, "not a number")))
    }

    /// Leaves what was not read to another test, which reads the same file for it.
    pub(crate) fn pass_over(self) {
        self.attributes.iter().for_each(|attribute| attribute.read.set(true));
    }

    fn take(&self, name: &str) -> Option<&Attribute> {
        let found = self.take_all(name);
        if let Some(second) = found.get(1) {
            self.fail(second.line, name, "occurs twice");
        }
        found.first().copied()
    }

    fn take_all(&self, name: &str) -> Vec<&Attribute> {
        let named = |attribute: &&Attribute| attribute.name == name;
        let found: Vec<_> = self.attributes.iter().filter(named).collect();
        for attribute in &found {
            if attribute.read.replace(true) {
                self.fail(attribute.line, name, "read twice");
            }
        }
        found
    }

    fn decode(&self, attribute: &Attribute) -> Vec<u8> {
        let digits: Option<Vec<u8>> = attribute.value.bytes().map(nibble).collect();
        match digits {
            Some(digits) if digits.len() % 2 == 0 => {
                let bytes = digits.chunks_exact(2);
                bytes.map(|pair| pair[0] << 4 | pair[1]).collect()
            }
            _ => self.fail(attribute.line, &attribute.name, "not hexadecimal"),
        }
    }

    fn missing(&self, name: &str) -> ! {
        self.fail(self.line, name, "missing")
    }

    fn fail(&self, line: usize, name: &str, problem: &str) -> ! {
        let Self { file, id, .. } = self;
        panic!("testvectors/{file}:{line}: {name} of {id}: {problem}")
    }
}

impl Drop for Case {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let unread = |attribute: &&Attribute| !attribute.read.get();
        if let Some(attribute) = self.attributes.iter().find(unread) {
            self.fail(attribute.line, &attribute.name, "not read by the test");
        }
    }
}

/// `testvectors/` of the package being tested or, for a member, of the workspace around it.
fn root() -> PathBuf {
    let mut folders = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let found = folders.find_map(|folder| {
        let root = folder.join("testvectors");
        root.is_dir().then_some(root)
    });
    found.expect("there is a folder testvectors/")
}

fn parse(file: &str, text: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut ids = HashSet::new();
    let mut block = Vec::new();
    for (index, line) in text.lines().chain([""]).enumerate() {
        if line.starts_with('#') {
            continue;
        }
        if !line.trim().is_empty() {
            block.push(attribute(file, index + 1, line));
        } else if !block.is_empty() {
            let case = case(file, std::mem::take(&mut block));
            if !ids.insert(case.id.clone()) {
                case.fail(case.line, "Case", "occurs twice in the file");
            }
            cases.push(case);
        }
    }
    cases
}

fn attribute(file: &str, line: usize, text: &str) -> Attribute {
    let malformed = || -> ! { panic!("testvectors/{file}:{line}: expected `Name = value`") };
    let (name, value) = text.split_once('=').unwrap_or_else(|| malformed());
    let (name, value) = (name.trim(), value.trim());
    let value = match value.strip_prefix('"') {
        Some(quoted) => quoted.strip_suffix('"').unwrap_or_else(|| malformed()),
        None if value.is_empty() => malformed(),
        None => value,
    };
    let words = name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !words || !name.starts_with(|first: char| first.is_ascii_uppercase()) {
        malformed();
    }
    Attribute { name: name.to_owned(), value: value.to_owned(), line, read: Cell::new(false) }
}

fn case(file: &str, block: Vec<Attribute>) -> Case {
    let line = block[0].line;
    let mut rest = block.into_iter();
    let mut header = |name: &str| match rest.next() {
        Some(attribute) if attribute.name == name => attribute.value,
        Some(Attribute { line, .. }) => panic!("testvectors/{file}:{line}: expected {name}"),
        None => panic!("testvectors/{file}:{line}: the block has no {name}"),
    };
    let (id, _source, kind) = (header("Case"), header("Source"), header("Kind"));
    Case { file: file.to_owned(), id, kind, line, attributes: rest.collect() }
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}
