//! Cookies in `Cookie` and `Set-Cookie` ([RFC 6265] §4).

use http::header::{COOKIE, HeaderMap, SET_COOKIE};
use http::{HeaderName, HeaderValue};

/// The values of cookies of just this name in a `Cookie` field.
pub(super) fn values<'a>(field: &'a [u8], name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    field.split(|byte| *byte == b';').filter_map(move |pair| {
        let mut parts = pair.splitn(2, |byte| *byte == b'=');
        let is_ours = parts.next()?.trim_ascii() == name.as_bytes();
        is_ours.then(|| parts.next())?.map(<[u8]>::trim_ascii)
    })
}

/// Takes the cookies of this name out of `Cookie`, and the field away where nothing is left.
pub(super) fn strip(headers: &mut HeaderMap, name: &str) {
    edit(headers, &COOKIE, |field| {
        let pairs = || field.as_bytes().split(|byte| *byte == b';');
        if !pairs().any(|pair| is_named(pair, name)) {
            return Some(field.clone());
        }
        let kept: Vec<_> = pairs()
            .filter(|pair| !is_named(pair, name))
            .map(<[u8]>::trim_ascii)
            .filter(|pair| !pair.is_empty())
            .collect();
        // A part of a value is a value.
        let kept = HeaderValue::from_bytes(&kept.join(&b"; "[..])).ok();
        kept.filter(|kept| !kept.is_empty())
    });
}

/// Takes the cookies of this name out of `Set-Cookie`.
pub(super) fn strip_response(headers: &mut HeaderMap, name: &str) {
    edit(headers, &SET_COOKIE, |field| {
        let pair = field.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
        (!is_named(pair, name)).then(|| field.clone())
    });
}

/// Puts what `change` makes of each value in its place. Nothing is touched where nothing changes.
fn edit(
    headers: &mut HeaderMap,
    name: &HeaderName,
    change: impl Fn(&HeaderValue) -> Option<HeaderValue>,
) {
    let kept: Vec<_> = headers.get_all(name).iter().map(&change).collect();
    if kept.iter().zip(headers.get_all(name)).all(|(kept, value)| kept.as_ref() == Some(value)) {
        return;
    }
    // Not `OccupiedEntry::insert_mult`: in http 1.5.0 it panics if there are several values.
    headers.remove(name);
    for value in kept.into_iter().flatten() {
        headers.append(name, value);
    }
}

/// Whether somebody might take this for a cookie of the name: whatever its case, with blanks, or
/// without a name of its own (`=name=value`, which browsers send back as `name=value`).
fn is_named(pair: &[u8], name: &str) -> bool {
    let mut pair = pair.trim_ascii();
    while let Some(rest) = pair.strip_prefix(b"=") {
        pair = rest.trim_ascii();
    }
    let sent = pair.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii();
    sent.eq_ignore_ascii_case(name.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::{strip, strip_response, values};
    use http::HeaderValue;
    use http::header::{ACCEPT, COOKIE, HeaderMap, HeaderName, SET_COOKIE};

    use proptest::prelude::*;

    const NAME: &str = "__Host-logon";

    fn after(field: HeaderName, edit: fn(&mut HeaderMap, &str), fields: &[&[u8]]) -> Vec<Vec<u8>> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        for value in fields {
            headers.append(&field, HeaderValue::from_bytes(value).unwrap());
        }
        edit(&mut headers, NAME);
        assert_eq!(headers.get(ACCEPT).unwrap(), "*/*");
        headers.get_all(field).iter().map(|value| value.as_bytes().to_vec()).collect()
    }

    fn stripped(fields: &[&[u8]]) -> Vec<Vec<u8>> {
        after(COOKIE, strip, fields)
    }

    #[test]
    fn values_are_of_just_the_name() {
        let field = b"a=1; __Host-logon=x=y ;__host-logon=z; __Host-logon; X__Host-logon=w;\t__Host-logon = v";
        let found: Vec<_> = values(field, NAME).collect();
        assert_eq!(found, [&b"x=y"[..], b"v"]);
    }

    #[test]
    fn every_copy_goes_and_the_rest_stays() {
        for (fields, expected) in [
            (&[&b"__Host-logon=x"[..]][..], &[][..]),
            (&[b"a=1; __Host-logon=x; b=2"], &[&b"a=1; b=2"[..]]),
            (&[b"__Host-logon=x;a=1"], &[b"a=1"]),
            (&[b"a=1", b"__Host-logon=x", b"b=2"], &[b"a=1", b"b=2"]),
            (&[b"__Host-logon=x; a=1; __Host-logon=y"], &[b"a=1"]),
            (&[b" __HOST-LOGON = x ; a=1"], &[b"a=1"]),
            (&[b"__Host-logon"], &[]),
            (&[b"=__Host-logon=x; a=1"], &[b"a=1"]),
            (&[b"= = __Host-logon=x"], &[]),
            (&[b"a=\"; __Host-logon=x; b=\""], &[b"a=\"; b=\""]),
            (&[b"\t__Host-logon=x;;; ;"], &[]),
            (&[b"a=\xff; __Host-logon=x"], &[b"a=\xff"]),
        ] {
            assert_eq!(stripped(fields), expected, "{fields:?}");
        }
    }

    proptest! {
        #[test]
        fn the_value_is_nowhere_in_what_is_left(
            before in proptest::option::of("[ -~]{0,30}"),
            blank in "[ \t]{0,2}",
            after in proptest::option::of("[ -~]{0,30}"),
        ) {
            let before = before.map(|before| before + ";").unwrap_or_default();
            let after = after.map(|after| format!(";{after}")).unwrap_or_default();
            let field = format!("{before}{blank}{NAME}{blank}={blank}SECRET{after}");
            let left = stripped(&[field.as_bytes()]).concat();
            prop_assert!(!left.windows(6).any(|part| part == b"SECRET"));
            // And nothing else is lost.
            let is_plain = |pair: &&str| !pair.trim().is_empty() && !pair.contains('=');
            for pair in before.split(';').chain(after.split(';')).filter(is_plain) {
                let left = String::from_utf8(left.clone()).unwrap();
                prop_assert!(left.split("; ").any(|kept| kept == pair.trim()), "{pair}: {left}");
            }
        }
    }

    #[test]
    fn cookies_of_others_are_not_touched() {
        for field in
            [&b"a=1;b=2 ;; c"[..], b"X__Host-logon=x", b"a=__Host-logon", b"__Host-logons=x"]
        {
            assert_eq!(stripped(&[field]), [field]);
        }
    }

    #[test]
    fn an_application_cannot_set_it() {
        let set = |fields: &[&[u8]]| after(SET_COOKIE, strip_response, fields);
        for mine in [
            &b"__Host-logon=x; Path=/; Secure"[..],
            b"__host-logon=x",
            b" __Host-logon =x",
            b"=__Host-logon=x; Path=/",
            b"__Host-logon",
            b"__Host-logon=",
        ] {
            assert_eq!(set(&[b"a=1; Path=/", mine, b"b=2"]), [&b"a=1; Path=/"[..], b"b=2"]);
            assert!(set(&[mine]).is_empty());
        }
        let other = &b"a=1; Path=/; __Host-logon=x"[..];
        assert_eq!(set(&[other]), [other]);
    }
}
