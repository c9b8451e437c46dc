//! What a call costs the generator, beside those who only post: 64 connections, in turns.

use super::measuring::median;
use super::peers::{PEERS, Peer};
use super::target::Target;

const ROUNDS: usize = 3;

/// Microseconds of CPU a request, by kind of answer.
type Row<'a> = (&'a Peer, [f64; 2]);

pub(crate) fn run() {
    let (present, absent): (Vec<&Peer>, Vec<&Peer>) =
        PEERS.iter().partition(|peer| peer.is_installed());
    let [json, sse] = ["json", "sse"].map(|answers| costs(answers, &present));
    let rows: Vec<Row<'_>> = present
        .into_iter()
        .zip(json.into_iter().zip(sse))
        .map(|(peer, (j, s))| (peer, [j, s]))
        .collect();
    print(&rows);
    for peer in absent {
        println!("{} is not installed.", peer.name);
    }
}

/// Each generator's cost, the median of its turns.
fn costs(answers: &str, peers: &[&Peer]) -> Vec<f64> {
    let target = Target::serve(&["--sessions", "stateless", "--answers", answers]);
    let mut turns = vec![Vec::new(); peers.len()];
    for round in 1..=ROUNDS {
        println!("{answers}, round {round} of {ROUNDS}");
        for (peer, turns) in peers.iter().zip(&mut turns) {
            turns.push(peer.measured(&target));
        }
    }
    turns.into_iter().map(median).collect()
}

fn print(rows: &[Row<'_>]) {
    let of = |name: &str| rows.iter().find(|(peer, _)| peer.name == name).map(|(_, costs)| *costs);
    let (squall, oha) = (of("squall"), of("oha"));
    let ratio = |cost: f64, to: Option<[f64; 2]>, kind: usize| {
        to.map_or_else(|| "-".to_owned(), |to| format!("{:.2}", cost / to[kind]))
    };
    println!("\n| us CPU a request | JSON | to oha | to squall | SSE | to oha | to squall |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: |");
    for (peer, costs) in rows {
        print!("| {} ({})", peer.name, peer.does);
        for (kind, cost) in costs.iter().enumerate() {
            print!(" | {cost:.1} | {} | {}", ratio(*cost, oha, kind), ratio(*cost, squall, kind));
        }
        println!(" |");
    }
    if let Some([json, sse]) = squall {
        println!("\nsquall, SSE over JSON: {:.2}", sse / json);
    }
}
