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

#[cfg(feature = "kerberos")]
mod kerberos {
    use super::cases::{self, Credentials};
    use super::{Bencher, bench};
    use logon::kerberos::EncryptionType;

    /// With a PAC, of encryption type 18; without, of 20.
    fn credentials(pac: bool) -> Credentials {
        match pac {
            true => Credentials::of_a_domain(),
            false => Credentials::plain(EncryptionType::Aes256CtsHmacSha384_192),
        }
    }

    #[divan::bench]
    fn floor_accept(bencher: Bencher<'_, '_>) {
        bench(bencher, cases::floor_kerberos_accept(credentials(true)));
    }

    #[divan::bench(args = [true, false])]
    fn accept(bencher: Bencher<'_, '_>, pac: bool) {
        bench(bencher, cases::kerberos_accept(credentials(pac), true));
    }

    #[divan::bench(args = [true, false])]
    fn initiate(bencher: Bencher<'_, '_>, pac: bool) {
        bench(bencher, cases::kerberos_initiate(credentials(pac), true));
    }

    #[divan::bench(args = [true, false])]
    fn verify_server(bencher: Bencher<'_, '_>, pac: bool) {
        bench(bencher, cases::kerberos_verify_server(credentials(pac), true));
    }

    #[divan::bench]
    fn floor_verify_pac(bencher: Bencher<'_, '_>) {
        bench(bencher, cases::floor_verify_pac());
    }

    #[divan::bench]
    fn verify_pac(bencher: Bencher<'_, '_>) {
        bench(bencher, cases::verify_pac());
    }
}
