//! Pages as HTML: no script, nothing from elsewhere, and every text escaped in one place.

use super::page::{Block, Fact, LegBlock, Link, Page, Tone, Verdict};
use std::fmt::{self, Display, Write};

pub(super) const STYLE: &str = include_str!("style.css");

/// The page.
pub(super) fn write(page: &Page) -> String {
    let mut out = String::with_capacity(16 * 1024);
    let written = write!(out, "{}", Document(page));
    debug_assert!(written.is_ok(), "a String takes everything");
    out
}

/// Text of anybody, as it may stand between tags and within quotes.
struct Text<'a>(&'a str);

impl Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => f.write_str("&amp;"),
                '<' => f.write_str("&lt;"),
                '>' => f.write_str("&gt;"),
                '"' => f.write_str("&quot;"),
                '\'' => f.write_str("&#39;"),
                '\n' => f.write_str("<br>"),
                character => f.write_char(character),
            }?;
        }
        Ok(())
    }
}

struct Document<'a>(&'a Page);

impl Display for Document<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Page { title, verdict, blocks } = self.0;
        write!(
            f,
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <title>{}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n\
             <header><p class=\"site\">{}</p></header>\n",
            Text(title),
            Text(title)
        )?;
        verdict_section(f, verdict)?;
        for block in blocks {
            write_block(f, block)?;
        }
        f.write_str("</main>\n</body>\n</html>\n")
    }
}

const fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "good",
        Tone::Bad => "bad",
        Tone::Open => "open",
    }
}

fn verdict_section(f: &mut fmt::Formatter<'_>, verdict: &Verdict) -> fmt::Result {
    let Verdict { tone, headline, text, remedy, code, settings: _ } = verdict;
    writeln!(f, "<section class=\"verdict {}\">\n<h1>{}</h1>", class(*tone), Text(headline))?;
    for text in text {
        writeln!(f, "<p>{}</p>", Text(text))?;
    }
    if let Some(remedy) = remedy {
        writeln!(f, "<p><strong>What to do:</strong> {}</p>", Text(remedy))?;
    }
    if let Some(code) = code {
        writeln!(f, "<p class=\"code\">Code <code>{}</code></p>", Text(code))?;
    }
    f.write_str("</section>\n")
}

fn write_block(f: &mut fmt::Formatter<'_>, block: &Block) -> fmt::Result {
    match block {
        Block::Heading(text) => writeln!(f, "<h2>{}</h2>", Text(text)),
        Block::Text(text) => writeln!(f, "<p>{}</p>", Text(text)),
        Block::Code(text) => writeln!(f, "<pre><code>{}</code></pre>", Text(text)),
        Block::List(items) => {
            f.write_str("<ul>\n")?;
            for item in items {
                writeln!(f, "<li>{}</li>", Text(item))?;
            }
            f.write_str("</ul>\n")
        }
        Block::Facts(facts) => write_facts(f, facts),
        Block::Links(links) => {
            f.write_str("<ul class=\"links\">\n")?;
            for Link { label, path, remark } in links {
                writeln!(
                    f,
                    "<li><a href=\"{}\">{}</a> <span>{}</span></li>",
                    Text(path),
                    Text(label),
                    Text(remark)
                )?;
            }
            f.write_str("</ul>\n")
        }
        Block::Leg(leg) => write_leg(f, leg),
    }
}

fn write_leg(f: &mut fmt::Formatter<'_>, leg: &LegBlock) -> fmt::Result {
    let LegBlock { number, request, answer, tone, facts, answer_facts } = leg;
    let open = if *tone == Tone::Bad { " open" } else { "" };
    writeln!(
        f,
        "<details class=\"leg {}\"{open}>\n<summary><b>{number}</b> <span>{}</span> \
         <span class=\"answer\">{}</span></summary>\n<h3>Sent</h3>",
        class(*tone),
        Text(request),
        Text(answer)
    )?;
    write_facts(f, facts)?;
    f.write_str("<h3>Answered</h3>\n")?;
    write_facts(f, answer_facts)?;
    f.write_str("</details>\n")
}

fn write_facts(f: &mut fmt::Formatter<'_>, facts: &[Fact]) -> fmt::Result {
    f.write_str("<dl>\n")?;
    for Fact { name, value, code } in facts {
        let (before, behind) = if *code { ("<code>", "</code>") } else { ("", "") };
        writeln!(f, "<dt>{}</dt><dd>{before}{}{behind}</dd>", Text(name), Text(value))?;
    }
    f.write_str("</dl>\n")
}
