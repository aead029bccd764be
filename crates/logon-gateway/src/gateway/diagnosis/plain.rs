//! Pages as text, for terminals.

use super::page::{Block, Fact, LegBlock, Link, Page, Tone, Verdict};
use std::fmt::Write;

const WIDTH: usize = 88;

/// The page.
pub(super) fn write(page: &Page) -> String {
    let Page { title, verdict, blocks } = page;
    let Verdict { tone, headline, text, remedy, code, settings: _ } = verdict;
    let mut out = Lines::default();
    out.line(title);
    out.line("");
    let mark = match tone {
        Tone::Good => "[ok]",
        Tone::Bad => "[!!]",
        Tone::Open => "[..]",
    };
    out.wrapped("", "     ", &format!("{mark} {headline}"));
    for text in text {
        out.wrapped("     ", "     ", text);
    }
    if let Some(remedy) = remedy {
        out.wrapped("     ", "     ", &format!("What to do: {remedy}"));
    }
    if let Some(code) = code {
        out.line(&format!("     Code: {code}"));
    }
    for block in blocks {
        out.block(block);
    }
    out.0
}

#[derive(Default)]
struct Lines(String);

impl Lines {
    fn line(&mut self, text: &str) {
        self.0.push_str(text);
        self.0.push('\n');
    }

    /// Words, as many on a line as there is room for.
    fn wrapped(&mut self, first: &str, next: &str, text: &str) {
        let mut line = first.to_owned();
        let mut is_empty = true;
        for word in text.split_whitespace() {
            let length = line.chars().count().saturating_add(word.chars().count());
            if !is_empty && length >= WIDTH {
                self.line(&line);
                line = next.to_owned();
                is_empty = true;
            }
            if !is_empty {
                line.push(' ');
            }
            line.push_str(word);
            is_empty = false;
        }
        self.line(&line);
    }

    fn block(&mut self, block: &Block) {
        match block {
            Block::Heading(text) => {
                self.line("");
                self.line(text);
                self.line(&"-".repeat(text.chars().count()));
            }
            Block::Text(text) => self.wrapped("", "", text),
            Block::Code(text) => self.line(&format!("    {text}")),
            Block::List(items) => items.iter().for_each(|item| self.wrapped("* ", "  ", item)),
            Block::Facts(facts) => self.facts("", facts),
            Block::Links(links) => {
                for Link { label, path, remark } in links {
                    self.line(&format!("{path}  {label} ({remark})"));
                }
            }
            Block::Leg(LegBlock { number, request, answer, facts, answer_facts, tone: _ }) => {
                let mut title = String::new();
                // A String takes everything.
                let _ = write!(title, "{number}. {request} -> {answer}");
                self.line(&title);
                self.facts("   ", facts);
                self.line("   answered");
                self.facts("   ", answer_facts);
            }
        }
    }

    fn facts(&mut self, indent: &str, facts: &[Fact]) {
        for Fact { name, value, code: _ } in facts {
            let next = format!("{indent}    ");
            for (index, line) in value.split('\n').enumerate() {
                match index {
                    0 => self.wrapped(indent, &next, &format!("{name}: {line}")),
                    _ => self.wrapped(&next, &next, line),
                }
            }
        }
    }
}
