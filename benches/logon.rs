//! What a logon costs, beside its floor. `cargo bench`; against peers: see BENCHMARKS.md.

mod cases;

use cases::{ACCOUNT, Carrier, SIZES};
use divan::{AllocProfiler, Bencher};

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

fn bench<I>(bencher: Bencher<'_, '_>, (prepare, run): (impl FnMut() -> I, impl FnMut(I))) {
    bencher.with_inputs(prepare).bench_local_values(run);
}

#[divan::bench]
fn decode_authenticate(bencher: Bencher<'_, '_>) {
    bench(bencher, cases::decode_authenticate());
}

#[divan::bench]
fn floor_verify(bencher: Bencher<'_, '_>) {
    bench(bencher, cases::floor_verify());
}

#[divan::bench]
fn verify(bencher: Bencher<'_, '_>) {
    bench(bencher, cases::verify());
}

const CARRIERS: [Carrier; 3] = [Carrier::Ntlm, Carrier::Spnego, Carrier::SpnegoUnsigned];

#[divan::bench(args = CARRIERS)]
fn server_challenge(bencher: Bencher<'_, '_>, carrier: Carrier) {
    bench(bencher, cases::server_challenge(carrier));
}

#[divan::bench(args = CARRIERS)]
fn server_verdict(bencher: Bencher<'_, '_>, carrier: Carrier) {
    bench(bencher, cases::server_verdict(ACCOUNT, carrier));
}

#[divan::bench]
fn client_authenticate(bencher: Bencher<'_, '_>) {
    bench(bencher, cases::client_authenticate());
}

#[divan::bench(args = SIZES)]
fn floor_seal(bencher: Bencher<'_, '_>, size: usize) {
    bench(bencher, cases::floor_seal(size));
}

#[divan::bench(args = SIZES)]
fn seal(bencher: Bencher<'_, '_>, size: usize) {
    bench(bencher, cases::seal(size));
}

#[divan::bench(args = SIZES)]
fn unseal(bencher: Bencher<'_, '_>, size: usize) {
    bench(bencher, cases::unseal(size));
}
