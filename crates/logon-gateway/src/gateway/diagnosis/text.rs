//! Text of clients: no longer than fits a page.

/// Characters of a text that are kept.
const LONGEST: usize = 160;

/// The text, or its beginning. Control characters, and those that turn the direction of writing,
/// are replaced: they could make a page say something else than it does.
pub(super) fn cut(text: &str) -> String {
    let misleads = |character: char| {
        character.is_control()
            || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
            || matches!(character, '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    let plain = |character| if misleads(character) { '\u{fffd}' } else { character };
    let mut kept: String = text.chars().take(LONGEST).map(plain).collect();
    if text.chars().nth(LONGEST).is_some() {
        kept.push('…');
    }
    kept
}
