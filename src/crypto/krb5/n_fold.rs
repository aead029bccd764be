//! n-fold ([RFC 3961] §5.1).

/// Stretches or shrinks `input` to `N` bytes: copies of it, each turned right by 13 bits more
/// than the one before, laid end to end up to a common multiple of both lengths, cut into pieces
/// of `N` bytes, and these added in ones' complement.
pub(super) fn n_fold<const N: usize>(input: &[u8]) -> [u8; N] {
    let bits = input.len().saturating_mul(8);
    if bits == 0 {
        return [0; N];
    }
    let mut columns = [0_u32; N];
    let mut places = 0..N;
    let mut turn = 0_usize;
    loop {
        for index in 0..input.len() {
            let first_bit = index.saturating_mul(8).saturating_add(bits).saturating_sub(turn);
            let byte = eight_bits(input, first_bit.checked_rem(bits).unwrap_or_default());
            let place = places.next().unwrap_or_else(|| {
                places = 1..N;
                0
            });
            if let Some(column) = columns.get_mut(place) {
                *column = column.saturating_add(byte);
            }
        }
        if places.is_empty() {
            break;
        }
        turn = turn.saturating_add(13).checked_rem(bits).unwrap_or_default();
    }
    carried(columns)
}

/// Eight bits from `first_bit` on, as if `input` went on and on.
fn eight_bits(input: &[u8], first_bit: usize) -> u32 {
    let index = first_bit / 8;
    let first = input.get(index).copied().unwrap_or_default();
    let next = input.get(index.saturating_add(1)).or_else(|| input.first()).copied();
    let pair = u32::from(u16::from_be_bytes([first, next.unwrap_or_default()]));
    // Of 16 bits those behind the first `first_bit % 8`.
    let shift = 8_usize.saturating_sub(first_bit % 8);
    pair.unbounded_shr(u32::try_from(shift).unwrap_or_default()) & 0xff
}

/// What does not fit into a byte is carried to the next, and from the first to the last.
fn carried<const N: usize>(mut columns: [u32; N]) -> [u8; N] {
    let mut carry = 0_u32;
    loop {
        for column in columns.iter_mut().rev() {
            let sum = column.saturating_add(carry);
            *column = sum & 0xff;
            carry = sum >> 8;
        }
        if carry == 0 {
            break;
        }
    }
    columns.map(|column| u8::try_from(column).unwrap_or_default())
}
