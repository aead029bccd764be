//! How a target that wants a sequence of tokens reads its input.

use crate::world::Recorded;

/// Reads an input from front to back. What is missing is zero, so that every input means
/// something and a shorter one means something simple.
#[derive(Debug)]
pub(crate) struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub(crate) fn new(data: &'a [u8]) -> Self {
        Self(data)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    pub(crate) fn u16(&mut self) -> u16 {
        u16::from_le_bytes([self.byte(), self.byte()])
    }

    /// A length of two bytes and as many bytes, or as many as there are.
    pub(crate) fn bytes(&mut self) -> &'a [u8] {
        let length = usize::from(self.u16()).min(self.0.len());
        let (taken, rest) = self.0.split_at(length);
        self.0 = rest;
        taken
    }

    /// Flips bits of `bytes`: a count, then as often a position of two bytes and a mask.
    pub(crate) fn tamper(&mut self, bytes: &mut [u8]) {
        for _ in 0..self.byte() % 8 {
            let (position, mask) = (usize::from(self.u16()), self.byte());
            if !bytes.is_empty() {
                bytes[position % bytes.len()] ^= mask;
            }
        }
    }

    /// A token: arbitrary bytes, or one of `recorded` as it is, tampered with, or cut short.
    pub(crate) fn token(&mut self, recorded: &Recorded) -> Vec<u8> {
        let kind = self.byte() % 4;
        if kind == 0 {
            return self.bytes().to_vec();
        }
        let tokens = recorded.tokens();
        let mut token = tokens[usize::from(self.byte()) % tokens.len()].clone();
        match kind {
            1 => {}
            2 => self.tamper(&mut token),
            _ => token.truncate(usize::from(self.u16())),
        }
        token
    }
}
