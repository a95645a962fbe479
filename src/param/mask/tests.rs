use super::super::testing::read_text;
use super::*;

fn tree(text: &str) -> MaskTree<f64> {
    read_text::<MaskExpr>(text).unwrap_or_else(|fault| panic!("{text}: {}", fault.message)).now(&Moment { tick: 4, ..Moment::default() })
}

/// The tree with brackets around everything.
fn shown(tree: &MaskTree<f64>) -> String {
    match tree {
        MaskTree::Fill(all) => if *all { "1" } else { "0" }.to_owned(),
        MaskTree::Linked(linked) => linked.word().to_owned(),
        MaskTree::File(path) => format!("[{path}]"),
        MaskTree::Not(inner) => format!("!{}", shown(inner)),
        MaskTree::Join(join, both) => {
            let sign = match join {
                Join::And => '&',
                Join::Or => '|',
                Join::Xor => '^',
                Join::Minus => '\\',
                Join::Apart => '~',
            };
            format!("({}{sign}{})", shown(&both[0]), shown(&both[1]))
        }
        other => format!("{:?}", other.numbers()),
    }
}

fn fault(text: &str) -> (String, std::ops::Range<u32>, Vec<String>) {
    let fault = read_text::<MaskExpr>(text).unwrap_err();
    let span = fault.labels[0].span;
    (fault.message, span.start..span.end, fault.help)
}

#[test]
fn deforums_strings_mean_what_they_say() {
    let cases = [
        ("{video_mask}", "video"),
        ("!{everywhere}", "!1"),
        ("{video_mask}&[masks/B.png]", "(video&[masks/B.png])"),
        ("{everywhere}^({video_mask}|[B])", "(1^(video|[B]))"),
        ("!({video_mask}&[B])", "!(video&[B])"),
        ("{video_mask}|[B]&{video_mask}", "(video|([B]&video))"),
        ("!{video_mask}|[B]", "(!video|[B])"),
        ("[B]\\{video_mask}", "([B]\\video)"),
        ("{video_mask} & !{video_mask}", "(video&!video)"),
    ];
    for (text, wanted) in cases {
        assert_eq!(shown(&tree(text)), wanted, "{text}");
    }
}

#[test]
fn words_and_signs_are_the_same_and_bind_in_deforums_order() {
    assert_eq!(shown(&tree("a and b or c minus d xor not a")), "(((a&b)|c)\\(d^!a))");
    assert_eq!(tree("a and b or c minus d xor not a"), tree("a&b|c\\d^!a"));
    assert_eq!(shown(&tree("a - b - c")), "((a\\b)\\c)");
    assert_eq!(shown(&tree("not not (a)")), "!!a");
}

#[test]
fn numbers_are_expressions_of_the_tick_in_order_or_by_name() {
    assert_eq!(tree("luma(0.1*t, max(0.5, 0.7))").numbers(), [0.4, 0.7, 0.0]);
    assert_eq!(tree("depth(soft = 0.1, low = 0.2)").numbers(), [0.2, f64::INFINITY, 0.1]);
    assert_eq!(tree("depth").numbers(), [] as [f64; 0]);
    assert_eq!(tree("grow(a, 2*t)").numbers(), [8.0]);
    assert_eq!(tree("color(#0f8, 0.2)"), MaskTree::Color { rgb: [0.0, 1.0, 136.0 / 255.0], range: [0.2, 0.05] });
    assert_eq!(read_text::<MaskExpr>("luma(drums.level) or grow(a, drums.beat)").unwrap().streams(), ["drums.beat", "drums.level"]);
}

#[test]
fn paths_start_from_their_document() {
    let MaskTree::File(path) = tree("file(\"left, right).png\")") else { panic!("no file") };
    assert_eq!(path.path(), std::path::Path::new("/graphs/left, right).png"));
    let MaskTree::Model { path: Some(path), class } = tree("model('people.onnx', 15)") else { panic!("no model") };
    assert_eq!((path.text(), class), ("people.onnx", 15.0));
}

#[test]
fn faults_point_at_the_word_and_say_what_to_type() {
    assert_eq!(fault("a and persn"), ("there is no mask `persn`".into(), 6..11, vec!["write `person`".to_owned()]));
    assert_eq!(fault("a b").1, 2..3);
    assert_eq!(fault("a and").0, "the expression ends too soon");
    assert_eq!(fault("").0, "the expression ends too soon");
    assert_eq!(fault("(a or b").1, 0..1);
    assert_eq!(fault("a or b)").0, "this bracket was never opened");
    assert_eq!(fault("a and or b").1, 6..8);
    assert_eq!(fault("grow(a)").0, "`grow` needs `pixels`");
    assert_eq!(fault("grow(a, 1, 2)").1, 11..12);
    assert_eq!(fault("luma(lw = 1)").2, ["write `low = …`"]);
    assert_eq!(fault("luma(0.5 +)").1, 10..11);
    assert_eq!(fault("color(#12345)").0, "`#12345` is not a colour");
    assert_eq!(fault("[mask.png").2, ["add `]`"]);
    assert_eq!(fault("{vide_mask}").2, ["write `{video_mask}`"]);
    assert!(fault("<apple>").2[0].contains("segmentation"));
    assert_eq!(fault("[ ]").0, "the path is empty");
    assert_eq!(fault(&"(".repeat(5000)).0, "the expression nests too deeply");
}

#[test]
fn the_reference_tells_how_each_is_written() {
    let words: Vec<_> = mask_reference().map(|(written, _)| written).collect();
    assert!(
        words.contains(&"luma(low = 0, high = ∞, soft = 0)".to_owned()) && words.contains(&"grow(MASK, pixels)".to_owned()),
        "{words:?}"
    );
}

proptest::proptest! {
    #[test]
    fn any_text_reads_or_is_refused(text in "([ab!&|^()\\\\\\[\\]{},#. ]|luma|not|grow|minus|[0-9]|ü){0,24}") {
        if let Ok(mask) = read_text::<MaskExpr>(&text) {
            let _ = mask.now(&Moment::default());
        }
    }
}
