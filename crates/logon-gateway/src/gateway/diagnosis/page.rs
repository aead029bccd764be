//! A page before it is written down: what it says, in order, without markup.

use std::borrow::Cow;

/// A page. Whoever writes it down escapes every text of it.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) title: &'static str,
    pub(super) verdict: Verdict,
    pub(super) blocks: Vec<Block>,
}

/// What stands at the top.
#[derive(Debug, Clone)]
pub(super) struct Verdict {
    pub(super) tone: Tone,
    /// One sentence.
    pub(super) headline: String,
    pub(super) text: Vec<String>,
    pub(super) remedy: Option<Cow<'static, str>>,
    pub(super) code: Option<&'static str>,
    /// Whether the settings of browsers are to be shown: they decide whom passwords go to.
    pub(super) settings: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    Bad,
    /// It is not known yet.
    Open,
}

#[derive(Debug)]
pub(super) enum Block {
    Heading(&'static str),
    Text(String),
    List(Vec<String>),
    Facts(Vec<Fact>),
    Links(Vec<Link>),
    /// To be copied.
    Code(String),
    Leg(LegBlock),
}

/// A name and what it is.
#[derive(Debug)]
pub(super) struct Fact {
    pub(super) name: Cow<'static, str>,
    pub(super) value: String,
    /// Whether it is an expression of a machine.
    pub(super) code: bool,
}

#[derive(Debug)]
pub(super) struct Link {
    pub(super) label: &'static str,
    pub(super) path: String,
    pub(super) remark: &'static str,
}

/// A request and its answer.
#[derive(Debug)]
pub(super) struct LegBlock {
    pub(super) number: usize,
    pub(super) request: String,
    pub(super) answer: String,
    pub(super) tone: Tone,
    pub(super) facts: Vec<Fact>,
    pub(super) answer_facts: Vec<Fact>,
}

pub(super) fn fact(name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Fact {
    Fact { name: name.into(), value: value.into(), code: false }
}

pub(super) fn code(name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Fact {
    Fact { code: true, ..fact(name, value) }
}

impl Verdict {
    pub(super) fn new(tone: Tone, headline: impl Into<String>) -> Self {
        Self {
            tone,
            headline: headline.into(),
            text: Vec::new(),
            remedy: None,
            code: None,
            settings: false,
        }
    }

    pub(super) fn text(mut self, text: impl Into<String>) -> Self {
        self.text.push(text.into());
        self
    }

    pub(super) fn remedy(mut self, remedy: impl Into<Cow<'static, str>>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}
