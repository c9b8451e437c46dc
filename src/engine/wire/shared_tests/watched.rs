//! Exchanges that are seen while they go on, on a connection of their own and on a shared one.

use super::*;
use crate::engine::rehearsal;

#[tokio::test(start_paused = true)]
async fn when_a_request_left_is_known_before_its_answer() {
    let slow = |_| [&[Do::After(ms(100))], &JSON[..]].concat();
    let shared = Stand::new(slow);
    let old = rehearsal::Server::behind(ms(5), ms(15), None, |_| {
        let answer = rehearsal::json_reply(ANSWER);
        vec![rehearsal::Do::After(ms(100)), rehearsal::Do::Write(answer)]
    });
    let own = Stand { wire: rehearsal::wire(&old), ..Stand::new(slow) };
    for stand in [shared, own] {
        let watch = Watch::default();
        let clock = &stand.wire.clock;
        let began = clock.now();
        let seen = async {
            let mut seen = Vec::new();
            for at in [10, 50, 119, 121] {
                clock.sleep_until(began + ms(at)).await;
                seen.push(watch.sent());
            }
            seen
        };
        let (answer, seen) = join(stand.ask_seen_by(&watch), seen).await;
        let left = Some(began + ms(20));
        assert_eq!((answer.as_deref(), seen), (Ok(ANSWER), vec![None, left, left, None]));
        assert_eq!(stand.told()[0].sent, left);
    }
}
