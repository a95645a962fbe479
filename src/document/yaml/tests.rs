use super::*;
use crate::diag::Sources;

fn read(text: &str) -> (Option<Data>, Vec<(String, String)>) {
    let mut sources = Sources::default();
    let source = sources.add("g.yaml", text);
    let mut diags = Diagnostics::default();
    let data = parse(source, text, 0, &mut diags);
    let said = diags.into_iter().map(|d| (d.message, d.labels.first().map_or("", |l| sources.slice(l.span)).to_owned()));
    (data, said.collect())
}

fn slices(data: &Data, sources: &Sources, out: &mut Vec<String>) {
    out.push(sources.slice(data.span).to_owned());
    match &data.value {
        Value::List(items) => items.iter().for_each(|item| slices(item, sources, out)),
        Value::Map(entries) => entries.iter().for_each(|(key, data)| {
            out.push(sources.slice(key.span).to_owned());
            slices(data, sources, out);
        }),
        _ => {}
    }
}

fn places(text: &str) -> Vec<String> {
    let mut sources = Sources::default();
    let source = sources.add("g.yaml", text);
    let mut out = Vec::new();
    slices(&parse(source, text, 0, &mut Diagnostics::default()).unwrap(), &sources, &mut out);
    out
}

#[test]
fn every_key_and_value_knows_its_place() {
    assert_eq!(
        places("a: plain text  # note\nb: \"quo\\u0074ed\"\nc: { d: [1, 2], e: }\n"),
        [
            "a: plain text  # note\nb: \"quo\\u0074ed\"\nc: { d: [1, 2], e: }",
            "a",
            "plain text",
            "b",
            "\"quo\\u0074ed\"",
            "c",
            "{ d: [1, 2], e: }",
            "d",
            "[1, 2]",
            "1",
            "2",
            "e",
            "e",
        ]
    );
    assert_eq!(
        places("a:\n  - x: 1\n  - y\nb: |\n  two\n  lines\n\nc: ä\n")[1..],
        ["a", "- x: 1\n  - y", "x: 1", "x", "1", "y", "b", "two\n  lines", "c", "ä"]
    );
}

#[test]
fn aliases_stand_where_they_are_used_and_merges_give_way() {
    let text = "base: &b { x: 1, y: 2 }\nuse: *b\nmore: { <<: *b, y: 3 }\n";
    let (data, said) = read(text);
    let data = data.unwrap();
    assert_eq!(said, []);
    let used = data.get("use").unwrap();
    assert_eq!((&text[used.span.start as usize..used.span.end as usize], used.get("x").unwrap().number()), ("*b", Some(1.0)));
    let more = data.get("more").unwrap();
    assert_eq!((more.get("x").unwrap().number(), more.get("y").unwrap().number()), (Some(1.0), Some(3.0)));
}

#[test]
fn hostile_documents_are_refused() {
    let laughs = (1..12).fold("a0: &a0 [x, x, x, x, x, x, x, x]\n".to_owned(), |text, i| {
        let of = format!("*a{}", i - 1);
        format!("{text}a{i}: &a{i} [{}]\n", vec![of; 8].join(", "))
    });
    assert!(read(&laughs).1[0].0.contains("too large"));
    assert!(read("a: &a [1, *a]\n").1[0].0.contains("inside the value"));
    assert!(read(&"[".repeat(100_000)).1[0].0.contains("nested"));
    assert!(read(&"- ".repeat(100_000)).1[0].0.contains("nested"));
    let tower = (1..2000).fold("a0: &a0 [x]\n".to_owned(), |text, i| format!("{text}a{i}: &a{i} [[[*a{}]]]\n", i - 1));
    assert!(read(&tower).1[0].0.contains("too deep"));
    assert!(read(&" ".repeat(MAX_BYTES + 1)).1[0].0.contains("bytes"));
    let keys = (0..60_000).map(|i| format!("k{i}: 1")).collect::<Vec<_>>().join("\n");
    assert!(read(&keys).0.is_some());
}

#[test]
fn faults_are_told_with_their_place_and_do_not_hide_one_another() {
    let said = read("a: 1\na: 2\nb: *none\n[x]: 1\nc: !odd 3\nd: .inf\ne: ok\n").1;
    let places: Vec<&str> = said.iter().map(|(_, place)| place.as_str()).collect();
    assert_eq!(places, ["a", "*none", "[x]", "!odd", ".inf"]);
    assert_eq!(read("a: 1\n---\nb: 2\n").1[0].1, "---");
    assert!(read("").0.is_none() && read("# only a note\n").0.is_none());
    assert!(read("~\n").0.is_some());
}

proptest::proptest! {
    #[test]
    fn random_text_never_panics(text in "[a-c:{}\\[\\],&*!|>'\"#%@`\\-? \\n\\t0-9.~<]{0,80}") {
        let _ = read(&text);
    }

    #[test]
    fn random_unicode_never_panics(text in "\\PC{0,60}") {
        let _ = read(&text);
    }
}
