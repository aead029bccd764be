//! How often the server allocates, and how much it keeps. The verdict on a logon does not
//! allocate at all.

#[path = "support/forge.rs"]
mod forge;
#[path = "support/pair.rs"]
mod pair;

use allocation_counter::measure;
use logon::{
    AcceptorStep, BindingsOutcome, ChannelBindings, InitiatorStep, LogonRequest, Mechanism,
    MicOutcome,
};
use pair::{Pair, lookup, to_continue};

/// The allocations of the first leg, of the second up to the question, and of the verdict.
fn count(pair: &Pair) -> [u64; 3] {
    let (mut first, mut second, mut third) = (Vec::new(), Vec::new(), Vec::new());
    let initiator = to_continue(pair.initiator().step(None, &mut first).unwrap());
    let start = pair.acceptor();
    let mut acceptor = None;
    let first_leg = measure(|| match start.step(&first, &mut second) {
        Ok(AcceptorStep::Continue(next)) => acceptor = Some(next),
        step => panic!("{step:?}"),
    });
    let step = initiator.step(Some(&second), &mut third).unwrap();
    drop::<InitiatorStep>(step);
    // The reply has its place before it is measured: it is the caller's.
    let mut last = Vec::with_capacity(256);
    let mut request: Option<LogonRequest> = None;
    let acceptor = acceptor.unwrap();
    let second_leg = measure(|| match acceptor.step(&third, &mut last) {
        Ok(AcceptorStep::NeedLogon(asked)) => request = Some(asked),
        step => panic!("{step:?}"),
    });
    let request = request.unwrap();
    let answer = lookup(request.account());
    let mut context = None;
    let verdict = measure(|| match request.resolve(Ok(answer), &mut last) {
        Ok(AcceptorStep::Complete(done)) => context = Some(done),
        step => panic!("{step:?}"),
    });
    let context = context.unwrap();
    assert_eq!(context.identity().mic(), MicOutcome::Verified);
    assert_eq!(context.identity().bindings(), BindingsOutcome::Bound);
    assert_eq!(context.mechanism() == Mechanism::SpnegoNtlm, pair.spnego);
    [first_leg, second_leg, verdict].map(|info| info.count_total)
}

fn pair(spnego: bool, key_exchange: bool) -> Pair {
    let bindings = || ChannelBindings::from_application_data(*b"tls-server-end-point:ours");
    let (client_bindings, server_bindings) = (bindings(), bindings());
    Pair { spnego, key_exchange, client_bindings, server_bindings, ..Pair::default() }
}

#[test]
fn the_verdict_on_raw_ntlm_does_not_allocate() {
    for key_exchange in [false, true] {
        let [first, second, verdict] = count(&pair(false, key_exchange));
        println!("raw: {first} + {second} + {verdict} allocations");
        assert_eq!(verdict, 0, "key exchange: {key_exchange}");
        assert!(first + second <= 8, "{first} + {second}");
    }
}

#[test]
fn nor_does_the_verdict_within_spnego() {
    for key_exchange in [false, true] {
        let [first, second, verdict] = count(&pair(true, key_exchange));
        println!("spnego: {first} + {second} + {verdict} allocations");
        assert_eq!(verdict, 0, "key exchange: {key_exchange}");
        assert!(first + second <= 16, "{first} + {second}");
    }
}

#[test]
fn a_pending_exchange_keeps_a_kibibyte_at_most() {
    for spnego in [false, true] {
        let pair = pair(spnego, true);
        let mut first = Vec::new();
        to_continue(pair.initiator().step(None, &mut first).unwrap());
        let start = pair.acceptor();
        let mut challenge = Vec::with_capacity(1024);
        let mut kept = None;
        let begun = measure(|| kept = Some(start.step(&first, &mut challenge).unwrap()));
        let Some(AcceptorStep::Continue(pending)) = kept else { panic!("{kept:?}") };
        let bytes = usize::try_from(begun.bytes_current).unwrap() + size_of_val(&pending);
        println!("spnego {spnego}: {bytes} bytes");
        assert!(bytes <= 1024, "spnego {spnego}: {bytes} bytes");
    }
}
