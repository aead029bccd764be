//! Turns, and the tables that are made of them.

use crate::Error;
use crate::peer::{self, Peer};
use std::time::Instant;

/// What one contender has taken for a request or a logon, in seconds; one number for each round.
#[derive(Default)]
pub(crate) struct Turns {
    elapsed: Vec<f64>,
    server: Vec<f64>,
    client: Vec<f64>,
}

impl Turns {
    /// Which part of its core the server had.
    fn shares(&self) -> impl Iterator<Item = f64> {
        self.server.iter().zip(&self.elapsed).map(|(cpu, elapsed)| cpu / elapsed)
    }

    /// Times `run`, which makes `count` of them.
    pub(crate) fn time(
        &mut self,
        server: &Peer,
        count: u32,
        run: impl FnOnce() -> Result<(), Error>,
    ) -> Result<(), Error> {
        let count = f64::from(count);
        let (start, of_server, of_client) = (Instant::now(), server.cpu()?, peer::own_cpu()?);
        run()?;
        self.elapsed.push(start.elapsed().as_secs_f64() / count);
        self.server.push((server.cpu()? - of_server).as_secs_f64() / count);
        self.client.push((peer::own_cpu()? - of_client).as_secs_f64() / count);
        Ok(())
    }
}

/// A line of the table: ours as a multiple of theirs.
pub(crate) struct Row {
    what: &'static str,
    against: &'static str,
    /// Ratios of turns that followed on each other.
    ratios: Vec<f64>,
    of: usize,
    mark: Option<Mark>,
}

/// What we set out to reach.
#[derive(Clone, Copy)]
pub(crate) enum Mark {
    AtLeast(f64),
    AtMost(f64),
}

/// The share of a core that a server must have had for its turn to tell a rate. With less the
/// turn tells what else the machine did.
const UNDISTURBED: f64 = 0.95;

impl Row {
    /// How many in a second, while the server had its core; more is better.
    pub(crate) fn rate(
        what: &'static str,
        ours: &Turns,
        against: &'static str,
        theirs: &Turns,
    ) -> Self {
        let undisturbed = ours.shares().zip(theirs.shares()).map(|(a, b)| a.min(b) >= UNDISTURBED);
        // Their time by ours is our rate by theirs.
        let ratios = theirs.elapsed.iter().zip(&ours.elapsed).map(|(a, b)| a / b);
        let counted = ratios.zip(undisturbed).filter(|(_, undisturbed)| *undisturbed);
        let ratios = counted.map(|(ratio, _)| ratio).collect();
        Self { what, against, ratios, of: ours.elapsed.len(), mark: None }
    }

    /// What the server's core is busy with one; less is better.
    pub(crate) fn cpu(
        what: &'static str,
        ours: &Turns,
        against: &'static str,
        theirs: &Turns,
    ) -> Self {
        let ratios = ours.server.iter().zip(&theirs.server).map(|(a, b)| a / b).collect();
        Self { what, against, ratios, of: ours.elapsed.len(), mark: None }
    }

    /// Numbers that stand for themselves.
    pub(crate) fn numbers(what: &'static str, unit: &'static str, numbers: &[f64]) -> Self {
        Self { what, against: unit, ratios: numbers.to_vec(), of: numbers.len(), mark: None }
    }

    pub(crate) fn mark(self, mark: Mark) -> Self {
        Self { mark: Some(mark), ..self }
    }
}

pub(crate) fn print_rows(rows: &[Row]) {
    println!("| what | × | of | middle half | mark | turns |");
    println!("|---|---|---|---|---|---|");
    for Row { what, against, ratios, of, mark } in rows {
        let counted = ratios.len();
        let (middle, quarters) = match quartiles(ratios.iter().copied()) {
            Some([low, middle, high]) => {
                let missed = match *mark {
                    Some(Mark::AtLeast(bound)) => middle < bound,
                    Some(Mark::AtMost(bound)) => middle > bound,
                    None => false,
                };
                let missed = if missed { " (missed)" } else { "" };
                (format!("**{middle:.3}**{missed}"), format!("{low:.3} … {high:.3}"))
            }
            None => ("?".to_owned(), "?".to_owned()),
        };
        let mark = match mark {
            Some(Mark::AtLeast(bound)) => format!("at least {bound}"),
            Some(Mark::AtMost(bound)) => format!("at most {bound}"),
            None => "–".to_owned(),
        };
        println!("| {what} | {middle} | {against} | {quarters} | {mark} | {counted} of {of} |");
    }
}

/// Medians, for orientation.
pub(crate) fn print_times(named: &[(&str, &Turns)]) {
    println!("| one | per second | server CPU, µs | of the server's core | of the client's |");
    println!("|---|---|---|---|---|");
    for (name, turns) in named {
        let of_client = turns.client.iter().zip(&turns.elapsed).map(|(cpu, elapsed)| cpu / elapsed);
        println!(
            "| {name} | {:.0} | {:.2} | {:.0} % | {:.0} % |",
            1.0 / median(turns.elapsed.iter().copied()),
            median(turns.server.iter().copied()) * 1e6,
            median(turns.shares()) * 100.0,
            median(of_client) * 100.0,
        );
    }
}

fn median(sample: impl Iterator<Item = f64>) -> f64 {
    quartiles(sample).map_or(f64::NAN, |[_, middle, _]| middle)
}

/// A quarter of the sample is below the first, half below the second.
fn quartiles(sample: impl Iterator<Item = f64>) -> Option<[f64; 3]> {
    let mut sample: Vec<f64> = sample.collect();
    sample.sort_by(f64::total_cmp);
    let at = |quarter| sample.get(sample.len() * quarter / 4).copied();
    Some([at(1)?, at(2)?, at(3)?])
}
