//! The form of `krb5.conf`: sections, braces, directives. Neither meaning nor IO.

use super::warning::{Place, Warning};
use std::path::Path;
use std::sync::Arc;

/// Deeper than any section that has a meaning.
const MAX_DEPTH: usize = 8;

/// What was read so far, of all files.
#[derive(Debug, Default)]
pub(super) struct Profile {
    pub(super) relations: Vec<Relation>,
    pub(super) warnings: Vec<Warning>,
    /// What files before this one closed by `*`: a section, or a tag with the sections around it.
    closed: Vec<Vec<String>>,
    /// The same, of this file.
    closing: Vec<Vec<String>>,
}

/// `tag = value`.
#[derive(Debug)]
pub(super) struct Relation {
    /// The section, the tags of the braces around it, its own tag.
    pub(super) path: Vec<String>,
    pub(super) value: String,
    pub(super) place: Place,
}

/// A line that is about another file.
#[derive(Debug, Clone, Copy)]
pub(super) enum Directive<'a> {
    Include(&'a str),
    IncludeDir(&'a str),
}

/// Reads another file into the same profile.
pub(super) type Include<'a> = &'a mut dyn FnMut(&mut Profile, Directive<'_>, &Place);

/// Where the reader of one text is.
struct Reader<'p> {
    profile: &'p mut Profile,
    place: Place,
    /// Section and tags; empty before the first section.
    path: Vec<String>,
    /// A section was named, and could be read.
    in_section: bool,
    /// Braces that are too deep to look into.
    ignored: usize,
    /// A tag without a value, whose brace stands on the next line.
    pending: Option<(String, bool)>,
}

impl Profile {
    /// Reads a text; what it includes is read into the same profile, where the directive stands.
    pub(super) fn add(&mut self, text: &str, file: &Arc<Path>, include: Include<'_>) {
        let place = Place { file: file.clone(), line: 0 };
        let mut reader = Reader {
            profile: self,
            place,
            path: Vec::new(),
            in_section: false,
            ignored: 0,
            pending: None,
        };
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        for (line, number) in text.lines().zip(1..) {
            reader.place.line = number;
            reader.line(line.trim(), include);
        }
        if reader.pending.is_some() || reader.path.len() > 1 {
            reader.warn("the file ends before the `}` of a section");
        }
    }

    /// The next text is another file, not an included one.
    pub(super) fn end_file(&mut self) {
        self.closed.append(&mut self.closing);
    }

    pub(super) fn warn(&mut self, place: &Place, problem: impl Into<String>) {
        self.warnings.push(Warning::new(place, problem));
    }
}

impl Reader<'_> {
    fn warn(&mut self, problem: impl Into<String>) {
        self.profile.warn(&self.place, problem);
    }

    fn line(&mut self, line: &str, include: Include<'_>) {
        if line.is_empty() || line.starts_with(['#', ';']) {
            return;
        }
        if let Some((tag, is_final)) = self.pending.take() {
            if line.starts_with('{') {
                return self.open(tag, is_final, line);
            }
            self.warn(format!("`{tag}` on the line before has no value"));
        }
        if let Some(directive) = directive(line) {
            include(self.profile, directive, &self.place);
        } else if line.starts_with("module") && line.contains(':') && !line.contains('=') {
            self.warn("`module` is not supported: write what it stands for into the file");
        } else if let Some(rest) = line.strip_prefix('[') {
            self.section(rest);
        } else if !self.in_section {
            // One warning is enough; the section whose name is broken has it.
            if self.path.is_empty() {
                self.warn("stands before the first section");
                self.path.push(String::new());
            }
        } else if let Some(rest) = line.strip_prefix('}') {
            self.close(rest.trim());
        } else if let Some((tag, value)) = line.split_once('=') {
            self.relation(tag.trim(), value.trim());
        } else {
            self.warn("is neither `[section]` nor `tag = value`");
        }
    }

    fn section(&mut self, rest: &str) {
        if self.path.len() > 1 || self.ignored > 0 {
            self.warn("a `}` is missing before this section");
        }
        self.path.clear();
        self.ignored = 0;
        let name = rest.split_once(']').map(|(name, rest)| (name.trim(), rest.trim()));
        self.in_section = name.is_some();
        let Some((name, rest)) = name else {
            self.path.push(String::new());
            return self
                .warn("the name of a section ends with `]`; all of this section is ignored");
        };
        self.path.push(name.to_owned());
        match rest {
            "" => {}
            "*" => self.profile.closing.push(self.path.clone()),
            _ if rest.starts_with(['#', ';']) => {}
            _ => self.warn("what stands behind `]` is ignored"),
        }
    }

    fn relation(&mut self, tag: &str, value: &str) {
        let (tag, is_final) = match tag.strip_suffix('*') {
            Some(tag) => (tag.trim_end(), true),
            None => (tag, false),
        };
        if tag.is_empty() || tag.contains(char::is_whitespace) {
            return self.warn("the tag before `=` is not one word");
        }
        if value.is_empty() {
            self.pending = Some((tag.to_owned(), is_final));
        } else if value.starts_with('{') {
            self.open(tag.to_owned(), is_final, value);
        } else if self.ignored == 0 {
            let value = self.value(value);
            let mut path = self.path.clone();
            path.push(tag.to_owned());
            if is_final {
                self.profile.closing.push(path.clone());
            }
            if !self.profile.closed.iter().any(|closed| path.starts_with(closed)) {
                self.profile.relations.push(Relation { path, value, place: self.place.clone() });
            }
        }
    }

    fn open(&mut self, tag: String, is_final: bool, brace: &str) {
        let rest = brace.trim_start_matches('{').trim();
        if !rest.is_empty() && !rest.starts_with(['#', ';']) {
            self.warn("what stands behind `{` on the same line is ignored");
            if rest.ends_with('}') {
                return;
            }
        }
        if self.ignored > 0 || self.path.len() >= MAX_DEPTH {
            if self.ignored == 0 {
                self.warn("braces within braces, too deep: ignored");
            }
            self.ignored = self.ignored.saturating_add(1);
            return;
        }
        self.path.push(tag);
        if is_final {
            self.profile.closing.push(self.path.clone());
        }
    }

    fn close(&mut self, rest: &str) {
        if self.ignored > 0 {
            self.ignored = self.ignored.saturating_sub(1);
        } else if self.path.len() <= 1 {
            self.warn("a `}` without its `{`");
        } else {
            if rest == "*" {
                self.profile.closing.push(self.path.clone());
            }
            self.path.pop();
        }
    }

    /// A value: in quotes, those are removed, and `\n`, `\t`, `\b` and `\` mean what they do in C.
    fn value(&mut self, value: &str) -> String {
        let Some(quoted) = value.strip_prefix('"') else { return value.to_owned() };
        let mut text = String::new();
        let mut rest = quoted.chars();
        while let Some(letter) = rest.next() {
            match letter {
                '"' => return text,
                '\\' => match rest.next() {
                    Some('n') => text.push('\n'),
                    Some('t') => text.push('\t'),
                    Some('b') => text.push('\u{8}'),
                    Some(letter) => text.push(letter),
                    None => break,
                },
                letter => text.push(letter),
            }
        }
        self.warn("the `\"` at the end of the value is missing");
        text
    }
}

fn directive(line: &str) -> Option<Directive<'_>> {
    let (word, rest) = line.split_once(char::is_whitespace)?;
    let rest = rest.trim();
    match word {
        // `include = …` would be a relation.
        _ if rest.starts_with('=') => None,
        "include" => Some(Directive::Include(rest)),
        "includedir" => Some(Directive::IncludeDir(rest)),
        _ => None,
    }
}
