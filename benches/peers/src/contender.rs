//! Measuring. Contenders take turns, so that what the machine does meanwhile meets all of them.

use rustix::time::{ClockId, clock_gettime};
use std::hint::black_box;
use std::sync::OnceLock;
use std::time::Duration;

/// Set if not the time that passes is measured, but that of this thread's work.
pub(crate) static CPU_TIME: OnceLock<()> = OnceLock::new();

fn now() -> Duration {
    let clock = match CPU_TIME.get() {
        Some(()) => ClockId::ThreadCPUTime,
        None => ClockId::Monotonic,
    };
    Duration::try_from(clock_gettime(clock)).expect("a clock that began at zero")
}

/// Times as many runs as it is told.
type Part = Box<dyn FnMut(usize) -> Duration>;

/// Something that is measured: one or several parts, whose times add up.
pub(crate) struct Contender {
    parts: Vec<Part>,
    runs: usize,
    /// Per run; `None` for another process.
    pub(crate) allocations: Option<u64>,
    /// Nanoseconds per run, one for each round.
    pub(crate) rounds: Vec<f64>,
}

/// How long a contender's turn takes.
const TURN: Duration = Duration::from_millis(2);

impl Contender {
    /// Something that measures itself.
    pub(crate) fn of(batch: impl FnMut(usize) -> Duration + 'static) -> Self {
        Self { parts: vec![Box::new(batch)], runs: 0, allocations: None, rounds: Vec::new() }
    }

    /// What prepares an input, untimed, and what uses it up, with everything that it makes
    /// released again.
    pub(crate) fn new<I: 'static>(
        (mut prepare, mut run): (impl FnMut() -> I + 'static, impl FnMut(I) + 'static),
    ) -> Self {
        // Whatever is made once is made before it is counted.
        (0..3).for_each(|_| run(prepare()));
        let input = prepare();
        let allocations = allocation_counter::measure(|| run(input)).count_total;
        let mut contender = Self::of(move |runs| {
            let inputs: Vec<I> = (0..runs).map(|_| prepare()).collect();
            let start = now();
            for input in inputs {
                run(black_box(input));
            }
            now() - start
        });
        contender.allocations = Some(allocations);
        contender
    }

    /// Both, one after the other.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.parts.extend(other.parts);
        self.allocations = self.allocations.zip(other.allocations).map(|(a, b)| a + b);
        self
    }

    fn time(&mut self, runs: usize) -> Duration {
        self.parts.iter_mut().map(|part| part(runs)).sum()
    }

    /// Its turn in a round.
    pub(crate) fn turn(&mut self) {
        if self.runs == 0 {
            let once = self.time(20) / 20;
            let fit = TURN.as_nanos() / once.as_nanos().max(1);
            self.runs = usize::try_from(fit).unwrap_or(usize::MAX).clamp(10, 20_000);
        }
        let time = self.time(self.runs);
        self.rounds.push(time.as_nanos() as f64 / self.runs as f64);
    }
}

/// Lowest and highest of a sample.
pub(crate) fn range(sample: &[f64]) -> [f64; 2] {
    let [lowest, highest] = [f64::min, f64::max].map(|of| sample.iter().copied().reduce(of));
    [lowest.unwrap_or_default(), highest.unwrap_or_default()]
}

/// The quarters of a sample: a quarter is below the first, half below the second.
pub(crate) fn quartiles(mut sample: Vec<f64>) -> [f64; 3] {
    sample.sort_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| sample[sample.len() * quarter / 4])
}
