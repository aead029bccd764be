//! `logon explain`: what the code of a refusal means, and what to do.

use crate::failure::Failure;
use crate::refusal::Refusal;
use logon::http::Explanation;
use std::io::Write;

pub(crate) fn run(code: Option<&str>, out: &mut dyn Write) -> Result<(), Failure> {
    let of_logons = Explanation::all().iter().map(|it| (it.code(), it.cause(), it.remedy()));
    let of_gateway = Refusal::ALL.iter().map(|it| (it.code(), it.cause(), it.remedy()));
    let mut known: Vec<_> = of_logons.chain(of_gateway).collect();
    known.sort_unstable();
    let Some(wanted) = code else {
        for (code, cause, _) in known {
            writeln!(out, "{code}\n    {cause}")?;
        }
        return Ok(());
    };
    let found = known.into_iter().find(|(code, ..)| code.eq_ignore_ascii_case(wanted.trim()));
    let Some((code, cause, remedy)) = found else {
        return Err(Failure::message(format!(
            "{wanted:?} is the code of no refusal; `logon explain` lists them all"
        )));
    };
    writeln!(out, "{code}\n\n{cause}\n\nWhat to do: {remedy}")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::run;

    #[test]
    fn every_code_is_listed_and_explained() {
        let mut list = Vec::new();
        run(None, &mut list).unwrap();
        let list = String::from_utf8(list).unwrap();
        let codes: Vec<_> = list.lines().filter(|line| !line.starts_with(' ')).collect();
        assert!(codes.contains(&"LOGON_WRONG_PROOF") && codes.contains(&"GATEWAY_NOT_ALLOWED"));
        for code in codes {
            let mut text = Vec::new();
            run(Some(&code.to_lowercase()), &mut text).unwrap();
            assert!(String::from_utf8(text).unwrap().contains("What to do: "), "{code}");
        }
        assert!(run(Some("LOGON_NOTHING"), &mut Vec::new()).is_err());
    }
}
