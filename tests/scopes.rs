//! Which scope holds for a request, however its path is spelled.

use logon::http::{
    Requirement, Scheme, Scope, ScopeError, ScopeRule, Scopes, ScopesBuilder, is_cors_preflight,
};
use std::sync::Arc;

use Requirement::{AppChallenges, Off, Optional, Required};
use Scheme::{Negotiate, Ntlm};

fn rule(requirement: Requirement) -> ScopeRule {
    ScopeRule::new().requirement(requirement)
}

fn open() -> ScopesBuilder {
    Scopes::builder(Scope::optional(&Scheme::ALL).with_pass_schemes(&["Bearer"]))
        .path("/", ScopeRule::off())
}

fn closed() -> ScopesBuilder {
    Scopes::builder(Scope::required(&Scheme::ALL))
}

fn guarded() -> Scopes {
    open().path("/admin", ScopeRule::required()).build().unwrap()
}

fn at(scopes: &Scopes, target: &str) -> Requirement {
    scopes.find(None, target).requirement()
}

fn on(scopes: &Scopes, host: &str) -> Requirement {
    scopes.find(Some(host.as_bytes()), "/").requirement()
}

// HS-5
#[test]
fn a_path_without_schemes_of_its_own_inherits_those_of_the_server() {
    let scopes = closed()
        .path("/a", ScopeRule::new().schemes(&[Negotiate]))
        .path("/b", ScopeRule::new())
        .path("/c", ScopeRule::off().schemes(&[]))
        .build()
        .unwrap();
    let schemes = |path| scopes.find(None, path).schemes().to_vec();
    assert_eq!(schemes("/a/x"), [Negotiate]);
    assert_eq!(schemes("/b/x"), Scheme::ALL);
    assert_eq!(schemes("/c/x"), []);
    assert_eq!(at(&scopes, "/c/x"), Off);
}

// PG-3
#[test]
fn one_feed_needs_a_logon_and_its_neighbour_does_not() {
    let scopes = open()
        .path("/nuget", ScopeRule::required().schemes(&[Negotiate]))
        .path("/npm", ScopeRule::off())
        .build()
        .unwrap();
    let nuget = scopes.find(Some(b"feeds.corp.example:8080"), "/nuget/v3/index.json");
    assert_eq!((nuget.requirement(), &nuget.schemes()[..]), (Required, &[Negotiate][..]));
    let npm = scopes.find(Some(b"feeds.corp.example:8080"), "/npm/@corp%2fpackage");
    assert_eq!(npm.requirement(), Off);
}

// PG-6
#[test]
fn one_host_needs_a_logon_and_its_neighbour_on_the_port_does_not() {
    let scopes = open().host("a.corp.example", ScopeRule::required()).build().unwrap();
    assert_eq!(on(&scopes, "a.corp.example"), Required);
    assert_eq!(on(&scopes, "b.corp.example"), Off);
}

#[test]
fn a_prefix_matches_whole_segments() {
    let scopes = guarded();
    for path in ["/admin", "/admin/", "/admin/x", "/admin/x/y.z", "/admin?x", "/admin/?/.."] {
        assert_eq!(at(&scopes, path), Required, "{path}");
    }
    for path in ["/", "/administrator", "/x/admin", "/admi", "/?/admin", "/admin-x", "/admin~"] {
        assert_eq!(at(&scopes, path), Off, "{path}");
    }
}

#[test]
fn the_last_word_goes_from_base_to_path_to_host_to_path_on_host() {
    let scopes = Scopes::builder(Scope::off())
        .host_path("w", "/p/q", rule(Required).schemes(&[Ntlm]))
        .host("w", rule(Optional))
        .path("/p", rule(AppChallenges).schemes(&[Negotiate]).cors_preflight(true))
        .host_path("w", "/p/q/r", ScopeRule::new().schemes(&[Negotiate]))
        .build()
        .unwrap();
    let find = |host: &str, path| scopes.find(Some(host.as_bytes()), path);
    assert_eq!(find("v", "/").requirement(), Off);
    assert_eq!(find("v", "/p/q").requirement(), AppChallenges);
    assert_eq!(find("w", "/").requirement(), Optional);
    assert_eq!(find("w", "/p").requirement(), Optional, "the host outweighs the path");
    assert_eq!(find("w", "/p").schemes()[..], [Negotiate], "and leaves the rest of it");
    assert_eq!(find("w", "/p/q").requirement(), Required);
    assert_eq!(find("w", "/p/q").schemes()[..], [Ntlm]);
    assert_eq!(find("w", "/p/q/r").requirement(), Required);
    assert_eq!(find("w", "/p/q/r").schemes()[..], [Negotiate]);
    assert!(find("w", "/p/q/r").cors_preflight());
}

#[test]
fn of_several_rules_for_one_place_the_later_one_has_the_last_word() {
    let scopes = closed()
        .path("/a", rule(Off).cors_preflight(true))
        .path("/b", rule(Off))
        .path("/a/", rule(Optional))
        .build()
        .unwrap();
    assert_eq!(at(&scopes, "/a"), Optional);
    assert!(scopes.find(None, "/a").cors_preflight());
}

#[test]
fn a_guarded_path_is_guarded_in_every_spelling() {
    let scopes = guarded();
    for path in [
        "/%61dmin",
        "/%2561dmin",
        "/ADMIN",
        "/Admin/x",
        "/%41dmin",
        "//admin",
        "///admin/x",
        "/./admin",
        "/x/../admin",
        "/x/%2e%2e/admin",
        "/x/.%2E/admin",
        "/x/%252e./admin",
        "/x/..;/admin",
        "/x/..;v=1/admin",
        "/;/admin",
        "/;v=1/admin",
        "/admin;v=1",
        "/admin%3bv",
        "\\admin",
        "/\\admin",
        "/%5cadmin",
        "/x\\..\\admin",
        "/x/..%5cadmin",
        "/admin\\x",
        "/admin%2f",
        "/admin%2fx",
        "/admin%252fx",
        "/%2fadmin",
        "/admin%2f..",
        "/admin/..",
        "/admin%3f",
        "/admin%23x",
        "/admin#",
        "/admin.",
        "/admin..",
        "/admin%20",
        "/admin%2e/x",
        "/admin%00",
        "/admin%00.png",
        "/x%0a",
        "/%c1%a1dmin",
        "/x/%c0%ae%c0%ae/admin",
        "/%",
        "/%6",
        "/%6",
        "/%u0061dmin",
        "/%zzadmin",
        "/x%ff/admin",
        "/%252561dmin",
        "//x/admin",
        "/./x/admin",
        "/x;%2f../admin",
        "/x;\\../admin",
        "/adm%C4%B1n/../admin",
        "*",
        "",
        "admin",
        "x:443",
    ] {
        assert_eq!(at(&scopes, path), Required, "{path}");
    }
}

#[test]
fn parameters_are_cut_before_decoding_and_behind_it() {
    let scopes = open().path("/a/c", ScopeRule::required()).build().unwrap();
    for path in ["/a;x/c", "/a%3bx/c", "/a;x%2fb/c", "/a;x%252fb/c", "/a;x%5cb/c", "/a;x\\b/c"] {
        assert_eq!(at(&scopes, path), Required, "{path}");
    }
    assert_eq!(at(&scopes, "/a;x/b/c"), Off);
}

#[test]
fn rules_that_differ_in_case_alone_are_held_against_each_other() {
    for (lower, upper) in [(Off, Required), (Required, Off)] {
        let scopes = open().path("/a", rule(lower)).path("/A", rule(upper)).build().unwrap();
        assert_eq!([at(&scopes, "/a"), at(&scopes, "/A")], [Required; 2]);
    }
}

#[test]
fn case_beyond_ascii_is_folded_too() {
    let scopes = open().path("/größe/käse", ScopeRule::required()).build().unwrap();
    for path in [
        "/größe/käse",
        "/gr%C3%B6%C3%9Fe/k%c3%a4se",
        "/GR%C3%96SSE/K%C3%84SE",
        "/gr%25C3%25B6%25C3%259Fe/k%C3%A4se",
        "/gr%C3%B6%C3%9Fe/%E2%84%AA%C3%A4se",
        "/gr%C3%B6%C5%BF%C5%BFe/k%C3%A4se",
    ] {
        assert_eq!(at(&scopes, path), Required, "{path}");
    }
}

#[test]
fn what_is_opened_is_open_in_its_own_spelling_alone() {
    let scopes = closed()
        .path("/public", ScopeRule::off())
        .path("/my files", ScopeRule::off())
        .path("/é", ScopeRule::off())
        .build()
        .unwrap();
    for path in [
        "/public",
        "/public/",
        "/public/A.png",
        "/public/x%2fy",
        "/public/%61",
        "/public/a;v=1",
        "/public//x",
        "/public/100%25",
        "/public/a%2520b",
        "/public/~a/@b/c:d",
        "/my%20files/x",
        "/%C3%A9",
        "/%c3%a9/x",
        "/é/x",
        "/public/?../../admin",
        "/public/a..b",
        "/public/.hidden",
    ] {
        assert_eq!(at(&scopes, path), Off, "{path}");
    }
    for path in [
        "/PUBLIC",
        "/%70ublic",
        "//public",
        "/./public",
        "/public;v=1",
        "/public%2fx",
        "/public/..",
        "/public/../x",
        "/public/%2e%2e/x",
        "/public/..%2fx",
        "/public/..;/x",
        "/public/x\\..\\..\\x",
        "/public/x%5c..%5c..",
        "/public#/../x",
        "/public/%",
        "/public/%00",
        "/public/%ff",
        "/public./x",
        "/MY%20files",
        "/my%2520files",
        "/É",
    ] {
        assert_eq!(at(&scopes, path), Required, "{path}");
    }
}

#[test]
fn what_leads_to_two_guarded_places_takes_a_scheme_of_both() {
    let scopes = closed()
        .path("/strong", ScopeRule::new().schemes(&[Negotiate]).pass_schemes(&["Bearer"]))
        .path("/weak", ScopeRule::new().schemes(&[Ntlm]).cors_preflight(true))
        .build()
        .unwrap();
    let strong = scopes.find(None, "/STRONG");
    assert_eq!(strong.schemes()[..], [Negotiate], "those of the rule and of the base");
    assert!(!strong.passes(b"Bearer"), "the base does not pass it");
    assert!(scopes.find(None, "/strong").passes(b"Bearer"));
    assert!(!scopes.find(None, "/weak/../strong").cors_preflight());
    assert!(scopes.find(None, "/weak").cors_preflight());

    let apart = Scopes::builder(Scope::required(&[Ntlm]))
        .path("/strong", ScopeRule::new().schemes(&[Negotiate]))
        .build()
        .unwrap();
    assert_eq!(apart.find(None, "/STRONG").schemes()[..], [Negotiate], "none in common");
}

// PG-5
#[test]
fn the_restrictions_of_every_reading_hold() {
    let scopes = Scopes::builder(Scope::required(&Scheme::ALL).with_restrictions(&[1]))
        .path("/admin", ScopeRule::new().restrictions(&[2]))
        .path("/admin/keys", ScopeRule::new().restrictions(&[2, 3]))
        .path("/everyone", ScopeRule::new().restrictions(&[]))
        .path("/open", ScopeRule::off().restrictions(&[]))
        .build()
        .unwrap();
    let of = |target: &str| {
        let mut numbers = scopes.find(None, target).restrictions().to_vec();
        numbers.sort_unstable();
        numbers
    };
    assert_eq!(of("/"), [1]);
    assert_eq!(of("/admin/x"), [2]);
    assert_eq!(of("/admin/keys/1"), [2, 3]);
    assert_eq!(of("/everyone"), []);
    assert_eq!(of("/ADMIN"), [1, 2]);
    assert_eq!(of("/%61dmin/keys"), [1, 2, 3]);
    assert_eq!(of("/everyone/../admin/keys"), [1, 2, 3]);
    assert_eq!(of("/open/%2e%2e/admin"), [1, 2, 3]);
    // The laxer of two requirements loses, and what it restricts holds all the same.
    let scopes = Scopes::builder(Scope::required(&Scheme::ALL))
        .path("/wiki", ScopeRule::optional().restrictions(&[7]))
        .build()
        .unwrap();
    let scope = scopes.find(None, "/WIKI");
    assert_eq!((scope.requirement(), scope.restrictions()), (Requirement::Required, &[7][..]));
}

#[test]
fn a_host_matches_without_case_port_and_dot() {
    let scopes = open()
        .host("Wiki.corp.example", ScopeRule::required())
        .host("[fd00::1]:8443", ScopeRule::required())
        .host("10.0.0.1", ScopeRule::required())
        .build()
        .unwrap();
    for host in [
        "wiki.corp.example",
        "WIKI.CORP.EXAMPLE",
        "wiki.corp.example.",
        "wiki.corp.example:80",
        "wiki.corp.example.:8080",
        "wiki.corp.example:",
        " wiki.corp.example ",
        "[fd00::1]",
        "[FD00:0:0:0:0:0:0:1]:80",
        "[fd00::0.0.0.1]",
        "10.0.0.1:80",
    ] {
        assert_eq!(on(&scopes, host), Required, "{host}");
    }
    for host in ["", "corp.example", "xwiki.corp.example", "[fd00::2]", "10.0.0.10", "-"] {
        assert_eq!(on(&scopes, host), Off, "{host}");
    }
    assert_eq!(at(&scopes, "/"), Off);
}

#[test]
fn a_host_that_is_none_has_the_strictest_scope_of_all() {
    let scopes = open().host_path("wiki", "/x", ScopeRule::required()).build().unwrap();
    for host in [
        "wiki, other",
        "user@wiki",
        "wiki%2e",
        "wiki/",
        "wiki\\",
        "wiki:80:80",
        "wiki:http",
        "::1",
        "[::1",
        "[wiki]",
        "[::1]x",
        "wi ki",
        "wïki",
        ".",
        ":80",
    ] {
        assert_eq!(on(&scopes, host), Required, "{host}");
    }
    assert_eq!(scopes.find(Some(b"\xff"), "/").requirement(), Required);
}

#[test]
fn the_host_in_a_target_counts_beside_that_in_the_field() {
    let scopes = open().host("wiki", ScopeRule::required()).build().unwrap();
    let find =
        |host: Option<&str>, target| scopes.find(host.map(str::as_bytes), target).requirement();
    assert_eq!(find(Some("other"), "http://wiki/"), Required);
    assert_eq!(find(Some("wiki"), "http://other/"), Required);
    assert_eq!(find(None, "HTTP://WIKI:80?x"), Required);
    assert_eq!(find(None, "http://other\\@wiki/"), Required);
    assert_eq!(find(None, "http://user@wiki/"), Required);
    assert_eq!(find(Some("other"), "http://other/x?://wiki/"), Off);
    assert_eq!(find(Some("other"), "/x/http://wiki/"), Off);
    let scopes = guarded();
    assert_eq!(at(&scopes, "http://other/admin/x?y"), Required);
    assert_eq!(at(&scopes, "http://other/x/../admin"), Required);
    assert_eq!(at(&scopes, "http://other"), Off);
}

#[test]
fn a_rule_that_could_not_hold_is_refused() {
    for path in ["", "admin", "/a//b", "/%61", "/a;b", "/a\\b", "/a?b", "/a#", "/a/..", "/.", "//"]
    {
        let built = open().path(path, ScopeRule::required()).path("/ok", ScopeRule::off()).build();
        assert_eq!(built.unwrap_err(), ScopeError::BadPath(path.to_owned()));
    }
    for host in ["", "*.corp.example", "a b", "::1", "http://a/", "a/b"] {
        let built = open().host(host, ScopeRule::required()).build();
        assert_eq!(built.unwrap_err(), ScopeError::BadHost(host.to_owned()));
    }
}

#[test]
fn a_logon_that_nobody_could_do_is_refused() {
    let none = ScopeRule::new().schemes(&[]);
    let built = closed().path("/c", none.clone()).build();
    assert_eq!(built.unwrap_err(), ScopeError::NoScheme("/c".to_owned()));
    let built = Scopes::builder(Scope::required(&[])).build();
    assert_eq!(built.unwrap_err(), ScopeError::NoScheme("/".to_owned()));
    let overruled = Scopes::builder(Scope::required(&[])).path("/", ScopeRule::off()).build();
    assert_eq!(on(&overruled.unwrap(), "no host"), Off, "nothing is left of it");
    let built = open().path("/c", ScopeRule::required()).host_path("w", "/c/d", none).build();
    assert_eq!(built.unwrap_err(), ScopeError::NoScheme("/c/d".to_owned()));
}

#[test]
fn a_foreign_scheme_passes_by_name_and_an_enabled_one_never() {
    let scope = Scope::required(&[Negotiate]).with_pass_schemes(&["bearer", "Negotiate", "NTLM"]);
    assert!(scope.passes(b"Bearer"));
    assert!(scope.passes(b"ntlm"), "known, but not enabled");
    assert!(!scope.passes(b"negotiate"));
    assert!(!scope.passes(b"Bearer2"));
}

#[test]
fn a_scheme_named_twice_is_offered_once() {
    assert_eq!(Scope::required(&[Ntlm, Negotiate, Ntlm]).schemes()[..], [Ntlm, Negotiate]);
}

#[test]
fn a_preflight_is_options_with_both_fields() {
    assert!(is_cors_preflight("OPTIONS", true, true));
    for (method, origin, request_method) in [
        ("GET", true, true),
        ("options", true, true),
        ("OPTIONS", false, true),
        ("OPTIONS", true, false),
    ] {
        assert!(!is_cors_preflight(method, origin, request_method), "{method}");
    }
}

#[test]
fn an_ordinary_path_costs_no_allocation() {
    let scopes = closed()
        .path("/npm", ScopeRule::off())
        .path("/npm/private", ScopeRule::required())
        .host("wiki.corp.example", ScopeRule::new().cors_preflight(true))
        .build()
        .unwrap();
    let mut found = None;
    let find =
        || found = Some(scopes.find(Some(b"wiki.corp.example:80"), "/npm/A/b-1.0.tgz?x=%20"));
    let info = allocation_counter::measure(find);
    assert_eq!(info.count_total, 0);
    let found: Arc<Scope> = found.unwrap();
    assert_eq!(found.requirement(), Off);
    assert!(found.cors_preflight());
}
