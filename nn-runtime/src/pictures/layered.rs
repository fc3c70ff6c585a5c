//! Where the boxes of a graph and its edges go: layers from top to bottom, as Sugiyama, Tagawa and Toda described it.
//!
//! Every box stands one layer below the lowest that leads to it; long edges get a point in each layer that they cross. Boxes and points of a
//! layer are put in the order of their neighbours' means, some times over, and then moved towards those means as far as nothing
//! overlaps.

/// Distances between boxes of a layer, and between layers.
const BESIDE: f64 = 26.0;
const BELOW: f64 = 46.0;
/// Room of an edge that passes a layer.
const POINT: f64 = 16.0;
/// How often the order is improved, and the places.
const SWEEPS: usize = 12;

/// What stands in a layer.
struct Item {
    width: f64,
    height: f64,
    layer: usize,
    above: Vec<usize>,
    below: Vec<usize>,
    x: f64,
}

/// Places of all boxes and edges.
pub(super) struct Layout {
    /// The middle of each box.
    pub boxes: Vec<(f64, f64)>,
    /// For each edge, the points that it goes through between its two boxes.
    pub bends: Vec<Vec<(f64, f64)>>,
    pub width: f64,
    pub height: f64,
}

/// Lays out boxes of these sizes; edges lead from a box to a later one.
pub(super) fn layout(sizes: &[(f64, f64)], edges: &[(usize, usize)]) -> Layout {
    let mut items: Vec<Item> = layers(sizes.len(), edges)
        .into_iter()
        .zip(sizes)
        .map(|(layer, &(width, height))| Item { width, height, layer, above: vec![], below: vec![], x: 0.0 })
        .collect();
    let chains: Vec<Vec<usize>> = edges.iter().map(|&(from, to)| chain(&mut items, from, to)).collect();
    let mut layers: Vec<Vec<usize>> = vec![vec![]; items.iter().map(|i| i.layer + 1).max().unwrap_or(0)];
    for (number, item) in items.iter().enumerate() {
        layers[item.layer].push(number);
    }
    order(&items, &mut layers);
    place(&mut items, &layers);

    let mut tops = vec![];
    let mut height = 0.0;
    for layer in &layers {
        let tallest = layer.iter().map(|&i| items[i].height).fold(0.0, f64::max);
        tops.push((height, tallest));
        height += tallest + BELOW;
    }
    let left = items.iter().map(|i| i.x - i.width / 2.0).fold(f64::INFINITY, f64::min);
    let width = items.iter().map(|i| i.x + i.width / 2.0 - left).fold(0.0, f64::max);
    let at = |i: usize| {
        let (top, tallest) = tops[items[i].layer];
        (items[i].x - left, top + tallest / 2.0)
    };
    // An edge passes a layer straight.
    let bends = chains.iter().map(|chain| {
        let points = chain[1..chain.len() - 1].iter().flat_map(|&i| {
            let ((x, _), (top, tallest)) = (at(i), tops[items[i].layer]);
            [(x, top), (x, top + tallest)]
        });
        points.collect()
    });
    Layout {
        boxes: (0..sizes.len()).map(at).collect(),
        bends: bends.collect(),
        width,
        height: (height - BELOW).max(0.0),
    }
}

/// The layer of each box.
fn layers(boxes: usize, edges: &[(usize, usize)]) -> Vec<usize> {
    let mut layers = vec![0_usize; boxes];
    let mut sorted = edges.to_vec();
    sorted.sort_unstable();
    for &(from, to) in &sorted {
        layers[to] = layers[to].max(layers[from] + 1);
    }
    // What nothing leads to stands right above what needs it.
    for number in (0..boxes).filter(|n| edges.iter().all(|&(_, to)| to != *n)) {
        let needed = edges.iter().filter(|&&(from, _)| from == number).map(|&(_, to)| layers[to]).min();
        layers[number] = needed.map_or(0, |layer| layer.saturating_sub(1));
    }
    layers
}

/// The edge's boxes and the points between them.
fn chain(items: &mut Vec<Item>, from: usize, to: usize) -> Vec<usize> {
    let mut chain = vec![from];
    for layer in items[from].layer + 1..items[to].layer {
        items.push(Item { width: POINT, height: 0.0, layer, above: vec![], below: vec![], x: 0.0 });
        chain.push(items.len() - 1);
    }
    chain.push(to);
    for pair in chain.windows(2) {
        items[pair[0]].below.push(pair[1]);
        items[pair[1]].above.push(pair[0]);
    }
    chain
}

/// Orders each layer by the means of its neighbours' places, downwards and upwards in turns.
fn order(items: &[Item], layers: &mut [Vec<usize>]) {
    let mut rank = vec![0.0; items.len()];
    let note = |layer: &[usize], rank: &mut Vec<f64>| {
        layer.iter().enumerate().for_each(|(at, &i)| rank[i] = at as f64 / layer.len() as f64);
    };
    layers.iter().for_each(|layer| note(layer, &mut rank));
    for sweep in 0..SWEEPS {
        let down = sweep % 2 == 0;
        for n in 0..layers.len() {
            let n = if down { n } else { layers.len() - 1 - n };
            let key = |i: usize| {
                let neighbours = if down { &items[i].above } else { &items[i].below };
                mean(neighbours.iter().map(|&n| rank[n])).unwrap_or(rank[i])
            };
            let mut keyed: Vec<(f64, usize)> = layers[n].iter().map(|&i| (key(i), i)).collect();
            keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
            layers[n] = keyed.into_iter().map(|(_, i)| i).collect();
            note(&layers[n], &mut rank);
        }
    }
}

/// Moves what stands in the layers towards its neighbours, in the order that there is.
fn place(items: &mut [Item], layers: &[Vec<usize>]) {
    for layer in layers {
        let mut x = 0.0;
        for &i in layer {
            items[i].x = x + items[i].width / 2.0;
            x += items[i].width + BESIDE;
        }
    }
    for sweep in 0..2 * SWEEPS {
        for n in 0..layers.len() {
            let layer = &layers[if sweep % 2 == 0 { n } else { layers.len() - 1 - n }];
            let wanted: Vec<f64> = layer
                .iter()
                .map(|&i| {
                    let both = items[i].above.iter().chain(&items[i].below);
                    mean(both.map(|&n| items[n].x)).unwrap_or(items[i].x)
                })
                .collect();
            let widths: Vec<f64> = layer.iter().map(|&i| items[i].width).collect();
            for (&i, x) in layer.iter().zip(nearest(&wanted, &widths)) {
                items[i].x = x;
            }
        }
    }
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0), |(sum, count), v| (sum + v, count + 1));
    (count > 0).then(|| sum / f64::from(count))
}

/// The places in this order that are nearest to the wanted ones, by least squares, without overlaps: neighbours that would overlap
/// move as one block.
fn nearest(wanted: &[f64], widths: &[f64]) -> Vec<f64> {
    // Without the room that is taken to the left of it, an item's place only has to be no smaller than the one before.
    let mut taken = vec![0.0];
    for pair in widths.windows(2) {
        let last = taken[taken.len() - 1];
        taken.push(last + (pair[0] + pair[1]) / 2.0 + BESIDE);
    }
    let mut blocks: Vec<(f64, usize)> = vec![];
    for (wanted, taken) in wanted.iter().zip(&taken) {
        let mut block = (wanted - taken, 1);
        while let Some(before) = blocks.pop_if(|before| before.0 > block.0) {
            let count = before.1 + block.1;
            block = ((before.0 * before.1 as f64 + block.0 * block.1 as f64) / count as f64, count);
        }
        blocks.push(block);
    }
    let places = blocks.into_iter().flat_map(|(place, count)| std::iter::repeat_n(place, count));
    places.zip(taken).map(|(place, taken)| place + taken).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_of_a_layer_do_not_overlap_and_edges_lead_down() {
        let sizes = [(80.0, 30.0), (200.0, 40.0), (60.0, 30.0), (120.0, 30.0), (90.0, 30.0)];
        let edges = [(0, 1), (0, 2), (0, 3), (1, 4), (2, 4), (3, 4), (0, 4)];
        let Layout { boxes, bends, width, height } = layout(&sizes, &edges);
        for (a, b) in (0..5).flat_map(|a| (0..a).map(move |b| (a, b))) {
            let apart = |a: f64, b: f64, sizes: f64| (a - b).abs() >= sizes / 2.0;
            let beside = apart(boxes[a].0, boxes[b].0, sizes[a].0 + sizes[b].0);
            assert!(beside || apart(boxes[a].1, boxes[b].1, sizes[a].1 + sizes[b].1), "{a} {b}");
        }
        assert!(edges.iter().all(|&(from, to)| boxes[from].1 < boxes[to].1));
        assert_eq!(bends.iter().map(Vec::len).collect::<Vec<_>>(), [0, 0, 0, 0, 0, 0, 2]);
        assert!(
            boxes
                .iter()
                .zip(&sizes)
                .all(|(at, size)| at.0 - size.0 / 2.0 >= -0.01 && at.0 + size.0 / 2.0 <= width + 0.01)
        );
        assert!(height > 100.0);
    }

    #[test]
    fn no_boxes_need_no_room() {
        let empty = layout(&[], &[]);
        assert_eq!((empty.width, empty.height), (0.0, 0.0));
    }
}
