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
    let mut place = 0_usize;
    let mut turn = 0_usize;
    loop {
        // Turned right by whole bytes, and each byte by the bits that remain.
        let (head, tail) = input.split_at(input.len().saturating_sub(turn / 8));
        let shift = u32::try_from(turn % 8).unwrap_or_default();
        let mut before = head.last().copied().unwrap_or_default();
        for byte in tail.iter().chain(head) {
            let pair = u32::from(u16::from_be_bytes([before, *byte]));
            before = *byte;
            if let Some(column) = columns.get_mut(place) {
                *column = column.saturating_add(pair.unbounded_shr(shift) & 0xff);
            }
            place = place.saturating_add(1);
            if place == N {
                place = 0;
            }
        }
        if place == 0 {
            break;
        }
        turn = turn.saturating_add(13).checked_rem(bits).unwrap_or_default();
    }
    carried(columns)
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
