use proptest::prelude::*;

use super::super::testing::{data, read, read_text};
use super::*;
use crate::param::{Fps, Key, Value};

fn moment(tick: u64) -> Moment<'static> {
    Moment { tick, length: Some(120), fps: Fps::new(24, 1), ..Moment::default() }
}

fn values(curve: &Curve, ticks: &[u64]) -> Vec<f64> {
    ticks.iter().map(|tick| (curve.at(&moment(*tick)) * 1e9).round() / 1e9).collect()
}

fn map(entries: &[(&str, Value)]) -> Value {
    let key = |text: &str| Key { span: data(Value::Null).span, inner: Some(0), text: text.to_owned() };
    Value::Map(entries.iter().map(|(text, value)| (key(text), data(value.clone()))).collect())
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn long(keys: &[(&str, Value)], rest: &[(&str, Value)]) -> Curve {
    let mut entries = vec![("keys", map(keys))];
    entries.extend_from_slice(rest);
    read(map(&entries)).unwrap()
}

#[test]
fn numbers_texts_and_keys_all_read() {
    assert_eq!(read::<Curve>(Value::Integer(2)).unwrap().as_constant(), Some(2.0));
    assert_eq!(read_text::<Curve>("1/4").unwrap().as_constant(), Some(0.25));
    assert_eq!(read_text::<Curve>("0: (3)").unwrap().as_constant(), Some(3.0));
    assert_eq!(read_text::<Curve>("2*t").unwrap().at(&moment(5)), 10.0);
    let bare: Curve = read(map(&[("0", Value::Integer(1)), ("1s", Value::Integer(2))])).unwrap();
    assert_eq!(values(&bare, &[0, 12, 24, 90]), [1.0, 1.5, 2.0, 2.0]);
}

#[test]
fn schedules_mend_what_deforum_trips_over() {
    let curve = |text: &str| text.parse::<Curve>().unwrap();
    assert_eq!(values(&curve("0: (where(t>5, 1, 0)), 10: (max(t, 20)),"), &[0, 6, 10]), [0.0, 1.0, 20.0]);
    assert_eq!(values(&curve("10: (1), 20: (2)"), &[0, 15]), [1.0, 1.5]);
    assert_eq!(values(&curve("0: (0), 1s: (24)"), &[12]), [12.0]);
    assert_eq!(values(&curve("0: (1 if t < 5 else 2)"), &[4, 5]), [1.0, 2.0]);
}

#[test]
fn schedules_keep_what_deforum_takes_by_accident() {
    let curve = |text: &str| text.parse::<Curve>().unwrap();
    assert_eq!(values(&curve("0:(1, 10:(2)"), &[5]), [1.5]);
    assert_eq!(values(&curve("0:(1):(7), 10:(2)"), &[5]), [1.5]);
    assert_eq!(values(&curve("0:(0), 200:(10)"), &[119]), [0.0]);
    assert_eq!(values(&curve("-5:(9), 0:(0), 10:(10)"), &[5]), [5.0]);
}

#[test]
fn gaps_in_an_expression_are_bridged() {
    let curve: Curve = "0: (sqrt((t-10)*(t-20)))".parse().unwrap();
    assert_eq!(values(&curve, &[10, 15, 20]), [0.0, 0.0, 0.0]);
    let ramp: Curve = "0: (3), 10: (sqrt(t-12))".parse().unwrap();
    assert_eq!(values(&ramp, &[0, 4, 12]), [3.0, 2.0, 0.0]);
}

#[test]
fn long_forms_ease_mix_and_loop() {
    let two = [("0", Value::Integer(0)), ("48", Value::Integer(1))];
    assert_eq!(values(&long(&two, &[("ease", text("cubic_in"))]), &[24]), [0.125]);
    assert_eq!(values(&long(&two, &[("ease", text("step"))]), &[47, 48]), [0.0, 1.0]);
    assert_eq!(values(&long(&two, &[("ease", text("smooth"))]), &[24]), [0.5]);

    let looped = long(&[("0", Value::Integer(0)), ("1s", Value::Integer(1))], &[("loop", text("2s"))]);
    assert_eq!(values(&looped, &[12, 24, 36, 48, 60]), [0.5, 1.0, 0.5, 0.0, 0.5]);

    let mixed = long(&[("0", text("t")), ("10", text("100 + t"))], &[]);
    assert_eq!(values(&mixed, &[5, 20]), [55.0, 120.0]);

    let beyond = long(&[("0", Value::Integer(0)), ("240", Value::Integer(10))], &[]);
    assert_eq!(values(&beyond, &[60]), [2.5]);
}

#[test]
fn keys_may_be_listed_each_with_its_ease() {
    let pair = |time: Value, value: i64| vec![data(time), data(Value::Integer(value))];
    let mut first = pair(Value::Integer(0), 0);
    first.push(data(text("step")));
    let list = Value::List(vec![data(Value::List(first)), data(Value::List(pair(text("1s"), 5)))]);
    let curve: Curve = read(map(&[("keys", list)])).unwrap();
    assert_eq!(values(&curve, &[23, 24]), [0.0, 5.0]);
    let own = map(&[("value", Value::Integer(1)), ("ease", text("step"))]);
    assert_eq!(values(&long(&[("0", own), ("10", Value::Integer(2))], &[]), &[9]), [1.0]);
}

#[test]
fn errors_lie_under_the_very_word() {
    let at = |text: &str| read_text::<Curve>(text).unwrap_err().labels[0].span;
    let covered = |text: &'static str| &text[at(text).start as usize..at(text).end as usize];
    assert_eq!(covered("0: (1 + tt), 10: (2)"), "tt");
    assert_eq!(covered("0: (1), maxf/2: (2)"), "maxf");
    assert_eq!(covered("0: (1), (2)"), "(2)");
    assert_eq!(covered("hello"), "hello");
    assert_eq!(covered("0 (1)"), "(");

    let typo = read::<Curve>(map(&[("keys", map(&[("0", Value::Integer(1))])), ("eas", text("cubic"))])).unwrap_err();
    assert_eq!(typo.help[0], "write `ease`");
    assert_eq!(read::<Curve>(Value::Bool(true)).unwrap_err().code, "wrong-type");
    assert!(read::<Curve>(map(&[])).is_err());
}

#[test]
fn ranges_are_checked_as_far_as_they_are_known() {
    let check = |text: &str, length| text.parse::<Curve>().unwrap().check(&(0.0..=4.0), &Moment { length, ..moment(0) });
    assert_eq!(check("5", None), Err("5 is above 4".to_owned()));
    assert_eq!(check("0: (1), 10: (-1)", None), Err("-1 is below 0, at frame 10".to_owned()));
    assert_eq!(check("0: (1), 100: (-1)", Some(50)), Ok(()));
    assert_eq!(check("t/10", Some(50)), Err("4.1 is above 4, at frame 41".to_owned()));
    assert_eq!(check("t/10", None), Ok(()));
    assert_eq!(check("1/t", Some(5)), Err("inf is above 4, at frame 0".to_owned()));
    assert_eq!(check("9*drums.level", Some(5)), Ok(()));
    assert!(check("t/max_f", None).unwrap_err().contains("max_f"));
}

#[test]
fn streams_of_all_keys_are_told() {
    let curve: Curve = "0: (b.x), 10: (a.x + b.x)".parse().unwrap();
    assert_eq!(curve.streams(), ["a.x", "b.x"]);
}

#[test]
fn whole_numbers_are_cut_off_but_forgive_rounding() {
    let steps = read_text::<IntCurve>("0: (10), 10: (20)").unwrap();
    assert_eq!([0, 4, 7, 10].map(|tick| steps.at(&moment(tick))), [10, 14, 17, 20]);
    assert_eq!(read_text::<IntCurve>("-1.5").unwrap().as_constant(), Some(-1));
    assert_eq!(read_text::<IntCurve>("0.1*30").unwrap().as_constant(), Some(3));
}

proptest! {
    #[test]
    fn any_text_reads_or_fails(text in ".{0,60}") {
        let _ = text.parse::<Curve>();
    }

    #[test]
    fn likely_schedules_read_or_fail_and_never_panic(words in prop::collection::vec(
        prop::sample::select(vec!["0", "10", ":", ",", "(", ")", "t", "'", "\"", "max_f", "/2", "sqrt(t-5)", "1.5", "4s", " "]), 0..20)) {
        if let Ok(curve) = words.concat().parse::<Curve>() {
            for tick in [0, 5, 119] {
                let _ = curve.at(&moment(tick));
            }
        }
    }

    #[test]
    fn eased_keys_are_met_exactly_and_kept_between(a in -9.0..9.0f64, b in -9.0..9.0f64, tick in 0..48u64, ease in 0..3usize) {
        let ease = ["linear", "smooth", "cubic"][ease];
        let curve = long(&[("0", Value::Number(a)), ("48", Value::Number(b))], &[("ease", text(ease))]);
        prop_assert_eq!(curve.at(&moment(0)), a);
        prop_assert_eq!(curve.at(&moment(48)), b);
        let value = curve.at(&moment(tick));
        prop_assert!(value >= a.min(b) - 1e-9 && value <= a.max(b) + 1e-9);
    }

    #[test]
    fn order_of_keys_does_not_matter(frames in prop::collection::btree_set(0..119u32, 1..8), tick in 0..120u64) {
        let forward: Vec<String> = frames.iter().map(|frame| format!("{frame}: ({})", frame % 7)).collect();
        let backward: Vec<String> = forward.iter().rev().cloned().collect();
        // Keys that depend on the run are searched for, fixed ones are sorted: both must agree.
        let searched: Vec<String> = forward.iter().map(|key| format!("0*s + {key}")).collect();
        let at = |keys: &[String]| keys.join(", ").parse::<Curve>().unwrap().at(&moment(tick));
        prop_assert_eq!(at(&forward), at(&backward));
        prop_assert_eq!(at(&forward), at(&searched));
    }
}
