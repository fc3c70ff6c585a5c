//! Nothing in the macro panics, overflows the stack or takes forever, whatever the tokens: the result is a program, or
//! mistakes with places in the source. (Tests run on threads with a stack of 2 MiB, less than rustc gives to macros.)

use std::time::{Duration, Instant};

use proc_macro2::{Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};

use super::{expanded, mistakes, mistakes_in};

/// Programs that use all of the language.
const PROGRAMS: [&str; 6] = [
    "network Digits {
        const CLASSES = 10;
        input image: [1, 28, 28];
        target label: class(CLASSES);
        block stage(x, n, rate = 0.5) { h = x >> dense(n) >> relu; h >> dropout(rate) }
        body = image >> flatten >> stage(16) >> stage(n = 8, rate = 0.1);
        logits = body >> dense(CLASSES, bias = false, init = kaiming_uniform(nonlinearity = relu));
        output probability = softmax(logits);
        loss cross_entropy(logits, label, label_smoothing = 0.1) + 0.5 * mean(square(body));
        metric accuracy(logits, label);
        optimizer adam(learning_rate = 1e-3, clip_norm = 1.0);
    }",
    "crate = crate::nn;
    block pair(a, b = 2.0) { const K = 3; (a >> linear(K), a * b - 1) }
    /// Docs.
    pub(crate) network First {
        input x: [4, 2]; input s: [];
        target y: [4, 3]; target z: class(2)[4];
        (left, right) = pair(x, b = 1.0 / 3.0);
        joined = concat([left, right], axis = -1) >> tanh;
        output joined;
        output scaled = -left / (1.0 + s) * maximum(left, 0.0);
        loss 0.25 * mse(left, y) + binary_cross_entropy(mean(joined, axis = 1) >> sigmoid, z);
        metric r2(left, y);
        metric worst = max(abs(left - y), axes = [0, 1]);
        optimizer sgd(learning_rate = 0.1, momentum = 0.9, nesterov = true);
    }
    network Second { input x: [3]; output y = x >> pair >> first; block first(v) { v } }",
    "network Shapes {
        const N = 7 / 2 * 2 - 1 % 3;
        input a: [N, 3]; input b: [3];
        c = a + b >> reshape([-1]) >> maxout(5) >> prelu;
        d = matmul(a, a >> reshape([3, N])) >> sum(axis = 0, keep_dims = true) >> clamp(min = -1, max = 1);
        output e = concat(c, d >> flatten);
        output f = pow(b, 2) >> log_softmax(axis = 0) >> gelu(approximate = \"tanh\") >> dense(2, name = \"head\");
    }",
    "network Loss { input p: [2]; target t: [2]; h = p >> dense(2); output h; loss huber(h, t, delta = 0.5); optimizer adamw; }",
    "block bottleneck(x, n, stride = 1) {
        shortcut = if stride == 1 && dim(x, 0) == 4 * n || false { x } else { x >> dense(4 * n, name = \"short\") };
        expand = x >> dense(n) >> relu >> dense(4 * n);
        expand + shortcut >> relu
    }
    block stage(x, n, body: block, last = false, act: block = tanh) {
        x >> repeat(n, body) >> repeat(if !last { 1 } else { 0 }, |v, i| { const K = 2; h = v * (i + K); h >> act })
    }
    shared block encode(x) { x >> repeat(2, |x, i| x >> dense(8 + i) >> dropout(0.1)) }
    network Residual {
        input left: [8]; input right: [8]; target y: [1];
        distance = abs((left >> encode) - (right >> encode));
        body = distance >> stage(3, bottleneck(4)) >> stage(2, |v| { (a, b) = (v, v >> relu); a + b }, last = true, act = gelu);
        chosen = if dim(left, 0) != 8 { body >> dense(-1) } else if true { c = body >> dense(3); c } else { body };
        output z = chosen >> repeat(2, repeat(1, leaky_relu(negative_slope = 0.2))) >> dense(1);
        loss mse(z, y) + mean(if 2 <= 3 { z } else { left });
        optimizer sgd(momentum = 0.9);
    }",
    "network Images {
        input image: [3, 16, 16]; target label: class(4);
        block conv(x, filters, stride = 1) { x >> conv2d(filters, 3, stride = stride, padding = 1, bias = false) >> batch_norm >> relu }
        (a, b) = image >> conv(8) >> split(4);
        body = concat([a, b]) >> repeat(2, |x, i| x >> conv(8 * (i + 1), stride = if i == 0 { 1 } else { 2 }));
        logits = body >> max_pool2d(2) >> global_avg_pool >> dense(4);
        output probability = softmax(logits);
        loss cross_entropy(logits, label);
        optimizer adam;
    }",
];

/// Steele, Lea and Flood's SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n as u64) as usize
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

fn any_token(random: &mut Random, donor: &[TokenTree]) -> TokenTree {
    #[rustfmt::skip]
    const WORDS: [&str; 47] = [
        "precision", "mixed", "stepwise",        "const", "input", "target", "block", "output", "loss", "metric", "optimizer", "network", "crate", "class", "x", "h",
        "relu", "dense", "sum", "concat", "reshape", "mse", "r2", "adam", "zeros", "axis", "if", "let", "return", "match",
        "else", "repeat", "dim", "shared", "body", "false", "stage", "encode", "split", "conv2d", "true", "self", "as", "move", "unsafe", "_", "Digits",
    ];
    const NUMBERS: [&str; 12] = [
        "0",
        "1",
        "-1",
        "2.5",
        "1e300",
        "1e-300",
        "9223372036854775807",
        "99999999999999999999999",
        "4294967296",
        "0x10",
        "1_0u8",
        "1f32",
    ];
    match random.below(6) {
        0 | 1 => donor[random.below(donor.len())].clone(),
        2 => Ident::new(WORDS[random.below(WORDS.len())], Span::call_site()).into(),
        3 => {
            let text: TokenStream = NUMBERS[random.below(NUMBERS.len())].parse().unwrap();
            text.into_iter().last().unwrap()
        }
        4 => {
            let all = ";,=>.+-*/%&|!<?:#@$~^'";
            let c = all.chars().nth(random.below(all.len() - 1)).unwrap();
            let spacing = if random.chance(50) { Spacing::Joint } else { Spacing::Alone };
            Punct::new(c, spacing).into()
        }
        _ => {
            let delimiters = [Delimiter::Parenthesis, Delimiter::Bracket, Delimiter::Brace, Delimiter::None];
            let (start, len) = (random.below(donor.len()), random.below(4));
            let inside = donor[start..].iter().take(len).cloned().collect();
            Group::new(delimiters[random.below(4)], inside).into()
        }
    }
}

/// The tokens with one change, somewhere, at some depth.
fn mangle(tokens: &[TokenTree], random: &mut Random, donor: &[TokenTree]) -> Vec<TokenTree> {
    let mut tokens = tokens.to_vec();
    if tokens.is_empty() {
        return vec![any_token(random, donor)];
    }
    let at = random.below(tokens.len());
    if let TokenTree::Group(group) = &tokens[at]
        && random.chance(85)
    {
        let inside: Vec<TokenTree> = group.stream().into_iter().collect();
        let mut changed = Group::new(group.delimiter(), mangle(&inside, random, donor).into_iter().collect());
        changed.set_span(group.span());
        tokens[at] = changed.into();
        return tokens;
    }
    match random.below(8) {
        0 => drop(tokens.remove(at)),
        1 => tokens.insert(at, tokens[at].clone()),
        2 => tokens[at] = any_token(random, donor),
        3 => tokens.insert(at, any_token(random, donor)),
        4 => {
            let other = random.below(tokens.len());
            tokens.swap(at, other);
        }
        5 => tokens.truncate(at),
        6 => {
            if let TokenTree::Group(group) = tokens[at].clone() {
                drop(tokens.splice(at..=at, group.stream()));
            }
        }
        _ => {
            let end = at + random.below(tokens.len() - at);
            let run: Vec<TokenTree> = tokens[at..end].to_vec();
            let to = random.below(tokens.len());
            drop(tokens.splice(to..to, run));
        }
    }
    tokens
}

#[test]
fn mangled_programs() {
    let programs: Vec<Vec<TokenTree>> =
        PROGRAMS.iter().map(|p| p.parse::<TokenStream>().unwrap().into_iter().collect()).collect();
    for program in PROGRAMS.iter().filter(|p| !p.contains("Second")) {
        assert_eq!(mistakes(program), Vec::<String>::new());
    }
    // Every token of every program is a donor of tokens for the others.
    let donor: Vec<TokenTree> = PROGRAMS.iter().flat_map(|p| flattened(p.parse().unwrap())).collect();
    let mut random = Random(7);
    let (mut accepted, mut slowest) = (0, Duration::ZERO);
    for _ in 0..4000 {
        let mut tokens = programs[random.below(programs.len())].clone();
        for _ in 0..=random.below(4) {
            tokens = mangle(&tokens, &mut random, &donor);
        }
        let stream: TokenStream = tokens.into_iter().collect();
        let start = Instant::now();
        let found = mistakes_in(stream.clone());
        slowest = slowest.max(start.elapsed());
        for mistake in &found {
            let (line, message) = mistake.split_once(": ").unwrap();
            assert!(line.parse::<usize>().unwrap() >= 1 && !message.is_empty(), "{mistake}");
            assert!(!message.contains("reported") && !message.contains("call_site"), "{mistake} in {stream}");
        }
        if found.is_empty() {
            accepted += 1;
            // The whole way, for some of those that are no mistakes.
            if accepted % 16 == 0 {
                let start = Instant::now();
                let program = expanded(stream.clone());
                assert!(syn::parse2::<syn::File>(program).is_ok(), "{stream}");
                assert!(start.elapsed() < Duration::from_secs(20), "{stream}");
            }
        } else if random.chance(5) {
            let stub = expanded(stream.clone());
            assert!(syn::parse2::<syn::File>(stub).is_ok(), "{stream}");
        }
    }
    println!("4000 mangled programs, {accepted} of them without mistakes; the slowest took {slowest:?}");
    assert!(accepted < 2000, "most of them should be mistakes");
    assert!(slowest < Duration::from_secs(5));
}

fn flattened(tokens: TokenStream) -> Vec<TokenTree> {
    let mut all = Vec::new();
    for token in tokens {
        if let TokenTree::Group(group) = &token {
            all.extend(flattened(group.stream()));
        } else {
            all.push(token);
        }
    }
    all
}

/// Checks that tokens are a mistake in all kinds of places (attributes may be anything).
fn survives(what: &str, tokens: &TokenStream) {
    for (before, after) in [
        ("network N { input x: [4]; h = ", "; output y = x; }"),
        ("network N { input x: [4]; h = relu(", "); output y = x; }"),
        ("network N { input x: [", "]; output y = x; }"),
        ("network N { ", " }"),
        ("block b(v = ", ") { v } network N { input x: [4]; output y = x >> b; }"),
        ("network N { #[doc(", ")] input x: [4]; output y = x; }"),
        ("crate = ", ";"),
        ("", ""),
    ] {
        let source = wrap(before, tokens.clone(), after);
        let start = Instant::now();
        let found = mistakes_in(source);
        let time = start.elapsed();
        assert!(!found.is_empty() || before.contains('#'), "{what} is accepted in {before}…{after}");
        assert!(time < Duration::from_secs(10), "{what} in {before}…{after} takes {time:?}");
    }
}

/// `before tokens after`, where `before` and `after` need not be balanced on their own.
fn wrap(before: &str, tokens: TokenStream, after: &str) -> TokenStream {
    let all: TokenStream = format!("{before} HERE {after}").parse().unwrap();
    fn put(stream: TokenStream, tokens: &TokenStream) -> TokenStream {
        let replaced = |token: TokenTree| match token {
            TokenTree::Ident(word) if word == "HERE" => tokens.clone(),
            TokenTree::Group(group) => {
                let mut inside = Group::new(group.delimiter(), put(group.stream(), tokens));
                inside.set_span(group.span());
                TokenTree::from(inside).into()
            }
            other => other.into(),
        };
        stream.into_iter().flat_map(replaced).collect()
    }
    put(all, &tokens)
}

#[test]
fn a_hundred_thousand_levels_of_nesting() {
    for delimiter in [Delimiter::Parenthesis, Delimiter::Bracket, Delimiter::Brace, Delimiter::None] {
        for around in ["", "relu", "- ", "x >>", "if x", "x ;"] {
            let around: TokenStream = around.parse().unwrap();
            let mut nested: TokenStream = "x".parse().unwrap();
            for _ in 0..100_000 {
                nested = around.clone().into_iter().chain([Group::new(delimiter, nested).into()]).collect();
            }
            survives(&format!("{around} {delimiter:?} nested"), &nested);
        }
    }
}

#[test]
fn long_runs() {
    #[rustfmt::skip]
    let runs = [
        "- ", "! ", "& ", "* ", "x + ", "x >> ", "x >> relu + ", "x . relu ( ) . ", "x . ", "x = ", "x += ", "return ", "move ",
        "| x | ", "< ", "x < ", "x :: ", ":: ", "x as ", "x as & ", "x as [ x ; ", ".. ", "x .. ", "if x { } else ", "'a : ", "# ",
        "# [ a ] ", "& mut ", "unsafe ", "async ", "let x = ", "x [ 0 ] ", "x ( ) ", "x ? ", "( x ) ( x ) ", "const ",
        "match x { } ", "loop ", "for x in ", "while x ", "break ", "fn ( ) -> ", "x , ", "x ; ", "x x ", "a < b , ", "@ ", "1 ", "1.5 . ",
        "dyn ", "impl ", "for < 'a > ", "x :: < x > ", "x && ", "x || ", "x == ", "x < x > ", "|| ", "| x | { x } >> ", "if x { x } else if ", "if if ", "if x { if ", "repeat ( x , 2 , | x | ", "block b ( v ) { v } ", "block ", "network N { } ", "network ", "{ } ",
    ];
    for run in runs {
        if let Ok(tokens) = run.repeat(20_000).parse::<TokenStream>() {
            survives(run, &tokens);
        }
    }
}

/// Below the limits of the guard, nothing may overflow either: the worst that it lets pass, in all places.
#[test]
fn as_deep_as_the_guard_allows() {
    #[rustfmt::skip]
    let runs = [
        "- ", "! ", "& ", "x + ", "x >> relu >> ", "x . a . ", "x = ", "return ", "| x | ", "< ", "x as ", ".. ", "if x { } else ", "x ( ) ",
        "x [ 0 ] ", "x ? ", "let x = ", "x as & ", "break ", "x . f ( ) . ", "x && ", "x || ! ", "x == ", "x < ", "|| ",
        "if x { x } else ", "if true { x } else ", "if ", "| x | { x } >> ", "x as T < ", "| x : T < ",
    ];
    for run in runs {
        for count in [10, 30, 60, 120, 250, 500, 1000, 2000] {
            if let Ok(tokens) = format!("{} x", run.repeat(count)).parse::<TokenStream>() {
                drop(mistakes_in(wrap("network N { input x: [4]; h = ", tokens.clone(), "; output y = h; }")));
                drop(mistakes_in(wrap(
                    "network N { input x: [4]; h = ((((relu(",
                    tokens,
                    "))))) + 1; output y = h; }",
                )));
            }
        }
    }
    for (open, close) in [
        ("(", ")"),
        ("[", "]"),
        ("relu(", ")"),
        ("{", "}"),
        ("-(", ")"),
        ("x >> dense(n = ", ")"),
        ("f(|x| ", ")"),
        ("x >> repeat(1, |x| ", ")"),
        ("x >> repeat(1, |x| { h = ", "; h })"),
        ("if true { ", " } else { x }"),
        ("if x { x } else { ", " }"),
        ("if if true { true } else { ", " } { x } else { x }"),
        ("b(x, |x| ", ")"),
        ("b(x, |x| { (", ") })"),
    ] {
        for count in [1, 3, 5, 8, 10, 13, 16, 20, 30, 60, 120] {
            let nested = format!("{}x{}", open.repeat(count), close.repeat(count));
            let block = "block b(x, f: block, g: block = f2) { x >> f >> repeat(1, f) }";
            drop(mistakes(&format!("{block} network N {{ input x: [4]; h = {nested}; output y = h; }}")));
            drop(mistakes(&format!(
                "{block} block c(x) {{ {nested} }} network N {{ input x: [4]; output y = x >> c; }}"
            )));
        }
    }
    // Blocks in blocks, each as deep as it may be.
    for depth in [10, 30, 60] {
        let mut source = "network N { input x: [4]; block b0(v) { v }".to_owned();
        for i in 1..60 {
            source += &format!("block b{i}(v) {{ {}b{}(v){} }}", "(".repeat(depth), i - 1, ")".repeat(depth));
        }
        drop(mistakes(&(source + "output y = b59(x); }")));
    }
}

#[test]
fn blocks_that_use_blocks_twice_end() {
    let mut source = "network N { input x: [4]; block b0(v) { v >> dense(4) >> dropout(0.5) }".to_owned();
    for i in 1..=40 {
        source += &format!("block b{i}(v) {{ v >> b{} >> b{} }}", i - 1, i - 1);
    }
    let found = mistakes(&(source + "output y = x >> b40; }"));
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].contains("more than 10000"), "{}", found[0]);
}

/// Closures that are applied several times by blocks that are passed on, as deep as the guard allows.
#[test]
fn closures_in_closures_end() {
    for (open, close) in
        [("x >> repeat(9, |x| ", ")"), ("x >> twice(|x| ", ")"), ("x >> never(|x| ", ")"), ("twice(unknown, |x| ", ")")]
    {
        for count in [1, 2, 4, 8, 16] {
            let nested = format!("{}x >> dense(4){}", open.repeat(count), close.repeat(count));
            let blocks = "block twice(x, f: block) { x >> f >> f } block never(x, f: block) { x }";
            let start = Instant::now();
            drop(mistakes(&format!("{blocks} network N {{ input x: [4]; output y = {nested}; }}")));
            assert!(start.elapsed() < Duration::from_secs(20), "{open} {count} times takes {:?}", start.elapsed());
        }
    }
    // Blocks that pass what they are passed, twice as often each time.
    let mut source = "block b0(v, f: block) { v >> f }".to_owned();
    for i in 1..=40 {
        source += &format!("block b{i}(v, f: block) {{ v >> b{0}(f) >> b{0}(|w| w >> f) }}", i - 1);
    }
    let found = mistakes(&(source + "network N { input x: [4]; output y = x >> b40(relu); }"));
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].contains("more than 10000"), "{}", found[0]);
}

#[test]
fn large_programs_end() {
    let many = |statement: &dyn Fn(usize) -> String| {
        let statements: String = (0..20_000).map(statement).collect();
        let start = Instant::now();
        let found = mistakes(&format!("network N {{ input x: [4]; {statements} }}"));
        let time = start.elapsed();
        assert!(!found.is_empty());
        println!("20,000 times `{}`: {time:?}", statement(0));
        assert!(time < Duration::from_secs(60), "{} takes {time:?}", statement(0));
    };
    many(&|i| format!("h{i} = x;"));
    many(&|i| format!("output h{i} = x;"));
    many(&|i| format!("metric h{i} = mean(x);"));
    many(&|i| format!("input h{i}: [4];"));
    many(&|i| format!("const C{i} = {i};"));
    many(&|i| format!("block b{i}(v) {{ v }}"));
    many(&|i| format!("h{i} = x >> b{i};"));
    many(&|i| format!("h{i} = if true {{ x }} else {{ y{i} }};"));
    many(&|i| format!("h{i} = x >> repeat(2, |v| v >> relu);"));
    many(&|i| format!("h{i} = y{i};"));
    many(&|_| "loss mean(x);".to_owned());
    many(&|_| "?".to_owned());
    many(&|_| "h = x".to_owned());
    let list = "x, ".repeat(100_000);
    drop(mistakes(&format!("network N {{ input x: [4]; output y = concat([{list}]); }}")));
    drop(mistakes(&format!("network N {{ input x: [4]; output y = relu({list}); }}")));
    let arms = "if dim(x, 0) == 3 { x } else ".repeat(10_000);
    drop(mistakes(&format!("network N {{ input x: [4]; output y = {arms} {{ x }}; }}")));
    let sides = "true && ".repeat(10_000);
    drop(mistakes(&format!("network N {{ input x: [4]; output y = if {sides} true {{ x }} else {{ x }}; }}")));
    let closures = "|v| v, ".repeat(10_000);
    drop(mistakes(&format!("network N {{ input x: [4]; output y = x >> repeat({closures}); }}")));
    let blocks: String = (0..10_000).map(|i| format!("p{i}: block, ")).collect();
    drop(mistakes(&format!(
        "block b(x, {blocks}) {{ x >> p1 }} network N {{ input x: [4]; output y = x >> b(relu); }}"
    )));
    let dims = "1, ".repeat(100_000);
    drop(mistakes(&format!("network N {{ input x: [{dims}]; output y = x >> relu; }}")));
    let parameters: String = (0..100_000).map(|i| format!("p{i}, ")).collect();
    drop(mistakes(&format!("network N {{ input x: [4]; block b({parameters}) {{ p1 }} output y = x >> b; }}")));
}

#[test]
fn enormous_names_and_numbers() {
    let name = "n".repeat(1_000_000);
    let found = mistakes(&format!(
        "network N {{ input x: [4]; {name} = x >> {name}({name} = {name}); output y = x >> dense(4, name = \"{name}\"); }}"
    ));
    assert!(found.iter().all(|f| f.len() < 5_000), "messages stay readable");
    for number in ["9".repeat(1_000_000), format!("1e{}", "9".repeat(100_000)), format!("0.{}1", "0".repeat(1_000_000))]
    {
        let mut literal = Literal::u8_unsuffixed(0);
        // proc-macro2 would parse the text; rustc hands over any length.
        if let Ok(long) = number.parse::<Literal>() {
            literal = long;
        }
        let tokens: TokenStream = TokenTree::from(literal).into();
        let start = Instant::now();
        let found = mistakes_in(wrap("network N { input x: [", tokens.clone(), "]; output y = x; }"));
        assert_eq!(found.len(), 1);
        assert!(start.elapsed() < Duration::from_secs(5));
    }
    for dims in [
        "65536, 65536",
        "9223372036854775807",
        "9223372036854775807, 9223372036854775807",
        "2147483648",
        "0",
        "3, 0",
        "-1",
        "1e9",
    ] {
        let found = mistakes(&format!("network N {{ input x: [{dims}]; output y = x >> relu; }}"));
        assert!(!found.is_empty(), "[{dims}] is accepted");
    }
    for value in [
        "x >> dense(2000000000) >> dense(2000000000)",
        "matmul(x >> reshape([4, 1]), x >> reshape([1, 4])) >> linear(2147483647)",
        "x >> reshape([4, 1]) >> linear(1000000000)",
        "x >> reshape([9223372036854775807, 2])",
        "x >> reshape([-9223372036854775808, 2])",
        "x >> maxout(9223372036854775807)",
        "sum(x, axis = -9223372036854775808)",
    ] {
        let found = mistakes(&format!("network N {{ input x: [4]; output y = {value}; }}"));
        assert_eq!(found.len(), 1, "{value}: {found:#?}");
    }
}
