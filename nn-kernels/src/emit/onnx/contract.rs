//! Contractions as the operations that other runtimes know and are fast at, where they are such; else as `Einsum`.

use super::proto::Attribute;
use super::{Printer, Value};
use crate::graph::{Access, Contraction, Extent, Shape};

impl Printer<'_> {
    pub(super) fn contract(
        &mut self,
        contraction: &Contraction,
        a: Value,
        b: Value,
        shape: &Shape,
    ) -> Result<Value, String> {
        let mut sizes: Vec<Extent> = shape.extents();
        sizes.extend(&contraction.reduced);
        let sizes = sizes.into_iter().map(|e| e.at(0)).collect();
        let reader = Reader { contraction, sizes, results: shape.extents().len(), batch: shape.batch };
        if let Some(matrix) = reader.matrix(&a, &b) {
            let b = self.transpose(b, &matrix);
            let name = self.op("MatMul", &[a.name, b.name], &[]);
            return Ok(Value { name, batch: a.batch, dims: shape.dims.clone() });
        }
        if let Some(convolution) = reader.convolution(&a, &b) {
            return Ok(self.convolution(&convolution, a, b, shape));
        }
        self.einsum(&reader, a, b, shape)
    }

    fn convolution(&mut self, c: &Convolution, a: Value, b: Value, shape: &Shape) -> Value {
        let spatial = &a.dims[a.dims.len() - c.windows.len()..];
        let input: Vec<usize> = std::iter::once(c.groups * c.channels).chain(spatial.iter().copied()).collect();
        let a = self.reshape(a, &input);
        let b = self.transpose(b, &c.weight);
        let kernels = c.windows.iter().map(|w| w.kernel);
        let outer = if c.transposed { [c.groups * c.channels, c.filters] } else { [c.groups * c.filters, c.channels] };
        let weight: Vec<usize> = outer.into_iter().chain(kernels.clone()).collect();
        let b = self.reshape(b, &weight);
        let ints = |name, value: fn(&Window) -> usize| {
            Attribute::Ints(name, c.windows.iter().map(|w| value(w) as i64).collect())
        };
        let pads = c.windows.iter().map(|w| w.before).chain(c.windows.iter().map(|w| w.after));
        let mut attributes = vec![
            Attribute::Ints("kernel_shape", kernels.map(|k| k as i64).collect()),
            ints("strides", |w| w.stride),
            ints("dilations", |w| w.dilation),
            Attribute::Ints("pads", pads.map(|p| p as i64).collect()),
            Attribute::Int("group", c.groups as i64),
        ];
        if c.transposed {
            attributes.push(ints("output_padding", |w| w.extra));
        }
        let op = if c.transposed { "ConvTranspose" } else { "Conv" };
        let name = self.op(op, &[a.name, b.name], &attributes);
        let positions = c.windows.iter().map(|w| w.positions);
        let dims = std::iter::once(c.groups * c.filters).chain(positions).collect();
        let result = Value { name, batch: a.batch, dims };
        self.reshape(result, &shape.dims)
    }

    fn einsum(&mut self, reader: &Reader<'_>, a: Value, b: Value, shape: &Shape) -> Result<Value, String> {
        let real = [&a, &b].iter().any(|value| value.batch == Some(true));
        let mut terms = Vec::new();
        let mut names = Vec::new();
        for (value, accesses) in [(a, &reader.contraction.a), (b, &reader.contraction.b)] {
            let value = if real && value.batch.is_some() { self.batched(value) } else { value };
            let lead = value.lead();
            let (value, mut axes) = self.gather(value, &accesses[lead..], &|axis| reader.sizes[axis])?;
            if lead == 1 {
                axes.insert(0, accesses[0].as_axis().ok_or("a batch that is no axis")?);
            }
            terms.push(letters(axes)?);
            names.push(value.name);
        }
        // What only the result has is broadcast.
        let results: Vec<usize> = (0..reader.results).collect();
        let used = |axis: &usize| terms.iter().any(|term| term.contains(letter(*axis)));
        let present: Vec<usize> = results.iter().copied().filter(used).collect();
        let equation = format!("{},{}->{}", terms[0], terms[1], letters(present.iter().copied())?);
        let name = self.op("Einsum", &names, &[Attribute::Text("equation", equation)]);
        let lead = usize::from(reader.batch);
        let batch = reader.batch.then_some(real);
        let dims: Vec<usize> =
            (lead..reader.results).map(|axis| if used(&axis) { reader.sizes[axis] } else { 1 }).collect();
        let there = present.iter().filter(|&&axis| axis >= lead).map(|&axis| reader.sizes[axis]).collect();
        let value = Value { name, batch, dims: there };
        let value = self.reshape(value, &dims);
        Ok(self.full(value, &shape.dims))
    }
}

fn letter(axis: usize) -> char {
    char::from(b'a' + (axis % 26) as u8)
}

fn letters(axes: impl IntoIterator<Item = usize>) -> Result<String, String> {
    let axes: Vec<usize> = axes.into_iter().collect();
    match axes.iter().max() {
        Some(26..) => Err("contractions over more than 26 axes".into()),
        _ => Ok(axes.into_iter().map(letter).collect()),
    }
}

/// A contraction, and what its axes are: the batch, the other axes of the result, those that are summed.
struct Reader<'c> {
    contraction: &'c Contraction,
    /// Of each axis; the batch's is not known.
    sizes: Vec<usize>,
    /// How many axes the result has.
    results: usize,
    batch: bool,
}

/// A convolution or a transposed one.
#[derive(Debug)]
struct Convolution {
    transposed: bool,
    groups: usize,
    /// Of the input, in each group.
    channels: usize,
    /// Of the result, in each group.
    filters: usize,
    /// The order in which the weight's dimensions are wanted.
    weight: Vec<usize>,
    windows: Vec<Window>,
}

/// Windows along one axis.
#[derive(Clone, Debug)]
struct Window {
    positions: usize,
    kernel: usize,
    stride: usize,
    dilation: usize,
    before: usize,
    after: usize,
    /// Positions of a transposed convolution's result that no window reaches.
    extra: usize,
}

impl Reader<'_> {
    /// Whether this is `a @ b`, where `b` is a matrix without batch: which order its axes must have.
    fn matrix(&self, a: &Value, b: &Value) -> Option<Vec<usize>> {
        let plain = |accesses: &[Access]| accesses.iter().map(Access::as_axis).collect::<Option<Vec<usize>>>();
        let (from, matrix) = (plain(&self.contraction.a)?, plain(&self.contraction.b)?);
        let (sum, last) = (self.results, self.results - 1);
        let rows_stay = from.len() == self.results && from[..last].iter().copied().eq(0..last) && from[last] == sum;
        let is_whole = a.batch.is_some() == self.batch && b.batch.is_none() && self.sizes.len() == self.results + 1;
        match matrix[..] {
            [i, j] if rows_stay && is_whole && (i, j) == (last, sum) => Some(vec![1, 0]),
            [i, j] if rows_stay && is_whole && (i, j) == (sum, last) => Some(vec![0, 1]),
            _ => None,
        }
    }

    /// Whether this is a convolution: `a` is `[batch, group, channel, …]`, read by windows, and `b` the weight.
    fn convolution(&self, a: &Value, b: &Value) -> Option<Convolution> {
        if !self.batch || a.batch.is_none() || b.batch.is_some() || self.contraction.a[0].as_axis() != Some(0) {
            return None;
        }
        let weight: Vec<usize> = self.contraction.b.iter().map(Access::as_axis).collect::<Option<_>>()?;
        let is_result = |axis: usize| axis < self.results;
        let (mut group, mut channel, mut spatial) = (None, None, Vec::new());
        for access in &self.contraction.a[1..] {
            match access.as_axis() {
                Some(axis) if spatial.is_empty() && weight.contains(&axis) => {
                    let place = if is_result(axis) { &mut group } else { &mut channel };
                    if place.replace(axis).is_some() || (is_result(axis) && channel.is_some()) {
                        return None;
                    }
                }
                _ => spatial.push(access),
            }
        }
        let positions: Vec<usize> =
            spatial.iter().map(|access| Some(access.terms.first()?.0)).collect::<Option<_>>()?;
        let taps: Vec<Option<usize>> = spatial.iter().map(|access| access.terms.get(1).map(|term| term.0)).collect();
        let filters: Vec<usize> =
            weight.iter().copied().filter(|&axis| is_result(axis) && Some(axis) != group).collect();
        let filter = filters.first().copied();
        // The result is [batch, group, filter, …], and everything has been given a role.
        let results = [0].into_iter().chain(group).chain(filter).chain(positions.iter().copied());
        let inner = channel.into_iter().chain(taps.iter().copied().flatten());
        let mut reduced: Vec<usize> = inner.clone().collect();
        reduced.sort_unstable();
        let is_whole = results.eq(0..self.results)
            && filters.len() <= 1
            && reduced.into_iter().eq(self.results..self.sizes.len())
            && weight.len() == group.iter().chain(&filter).count() + inner.clone().count()
            && (1..=3).contains(&spatial.len())
            && spatial.iter().all(|access| access.terms.len() <= 2);
        if !is_whole {
            return None;
        }
        let lengths = &a.dims[a.dims.len() - spatial.len()..];
        let windows = |transposed| {
            let window = |(access, &length): (&&Access, &usize)| self.window(access, length, transposed);
            spatial.iter().zip(lengths).map(window).collect::<Option<Vec<Window>>>()
        };
        let (transposed, windows) = match windows(false) {
            Some(windows) => (false, windows),
            None => (true, windows(true)?),
        };
        let outer = if transposed { [channel, filter] } else { [filter, channel] };
        let order = [group].into_iter().chain(outer).chain(taps).flatten();
        let place = |axis: usize| weight.iter().position(|&other| other == axis);
        let size = |axis: Option<usize>| axis.map_or(1, |axis| self.sizes[axis]);
        Some(Convolution {
            transposed,
            groups: size(group),
            channels: size(channel),
            filters: size(filter),
            weight: order.map(place).collect::<Option<_>>()?,
            windows,
        })
    }

    /// Windows over a dimension of this length, or, if it is transposed, into one that is as long as the result's.
    fn window(&self, access: &Access, length: usize, transposed: bool) -> Option<Window> {
        let (position, stride) = *access.terms.first()?;
        let positions = self.sizes[position];
        let (tap, dilation) = access.terms.get(1).map_or((None, None), |&(axis, c)| (Some(axis), Some(c)));
        let kernel = tap.map_or(1, |axis| self.sizes[axis]);
        let reach = |dilation: usize| (kernel - 1) * dilation + 1;
        if !transposed {
            let (stride, dilation) = (usize::try_from(stride).ok()?, usize::try_from(dilation.unwrap_or(1)).ok()?);
            let before = usize::try_from(-access.offset).ok()?;
            if access.divisor != 1 || stride == 0 || dilation == 0 {
                return None;
            }
            let after = ((positions - 1) * stride + reach(dilation)).saturating_sub(before + length);
            let found = (length + before + after).checked_sub(reach(dilation))? / stride + 1;
            return (found == positions).then_some(Window {
                positions,
                kernel,
                stride,
                dilation,
                before,
                after,
                extra: 0,
            });
        }
        let (stride, is_one) = (usize::try_from(access.divisor).ok()?, stride == 1);
        let dilation = usize::try_from(-dilation.unwrap_or(-1)).ok()?;
        let before = usize::try_from(access.offset).ok()?;
        if !is_one || dilation == 0 {
            return None;
        }
        let (reached, wanted) = (stride * (length - 1) + reach(dilation), positions + before);
        let (after, extra) = (reached.saturating_sub(wanted), wanted.saturating_sub(reached));
        (extra < stride.max(dilation)).then_some(Window { positions, kernel, stride, dilation, before, after, extra })
    }
}
