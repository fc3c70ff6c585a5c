#!/usr/bin/env bash
# Measures a GPU with a binary that was built elsewhere (x86-64 Linux), and writes a page with the card's name.
#
#   cargo build --release --example bench --features nn-examples/sizes     # anywhere
#   benches/gpu.sh target/release/examples/bench gpu.md                    # on the machine with the card
#
# That machine needs the Vulkan loader with the card's driver, and nothing else. Where python3 has PyTorch with CUDA,
# torch_gpu.py beside this file measures it on the same card: eager, compiled, and as CUDA graphs.
#
# Settings, all optional:
#   WORKLOADS="curve mlp"    which networks;       BATCHES="1 64"    which batches, beside each workload's own
#   WIDTHS="1024 8192"       which widths of wide; STEPS=0           steps to time; 0 is about four seconds of them
#   LIMIT=300                seconds that a process may take; whoever takes longer is not asked for larger sizes
#   PYTHON=python3           whose PyTorch
set -u -o pipefail

[ $# -ge 1 ] && [ -x "$1" ] || { echo "usage: $0 BENCH [OUT]: BENCH is the example \`bench\`, built" >&2; exit 2; }
BENCH=$(realpath "$1")
OUT=${2:-gpu.md}
HERE=$(cd "$(dirname "$0")" && pwd)
WORKLOADS=${WORKLOADS-curve mlp cnn resnet wide}
BATCHES=${BATCHES-1 16 64 256 1024 4096}
WIDTHS=${WIDTHS-16 64 256 1024 2048 4096 8192}
STEPS=${STEPS:-0}
LIMIT=${LIMIT:-300}
PYTHON=${PYTHON:-python3}
export NN_DEVICE=gpu
ERRORS=$(mktemp)
trap 'rm -f "$ERRORS"' EXIT

say() { echo "$*" | tee -a "$OUT"; }
# The value of a key of a line of JSON.
text() { sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p"; }
number() { sed -n "s/.*\"$1\": *\([^,}\"]*\).*/\1/p"; }
# Runs a command within the limit and prints its last line; fails where there is none.
attempt() {
    local line
    line=$(timeout "$LIMIT" "$@" </dev/null 2>"$ERRORS" | tail -n 1)
    local code=$?
    [ $code -eq 0 ] && [ -n "$line" ] && { echo "$line"; return 0; }
    [ $code -eq 124 ] && echo "takes longer than $LIMIT s" >"$ERRORS"
    return 1
}
# Why the last attempt failed: its error, or the last thing that it said.
why() { { grep -E '^[A-Za-z]*Error: ' "$ERRORS" || tail -n 1 "$ERRORS"; } | tail -n 1 | tr '|' '/' | cut -c1-200; }
# Rows of a table of training steps: for each size, our step, then PyTorch's.
rows() { # reads "size workload batch" for each row
    local slow="" size workload batch row line mode reason
    while read -r size workload batch; do
        [ -n "$slow" ] && { say "| $size | not tried |$torch_blank"; continue; }
        row="| $size |"
        if line=$(attempt "$BENCH" "$workload" --device gpu --steps "$STEPS" --batch "$batch"); then
            row+=" $(number ms_per_step_median <<<"$line") | $(number ms_per_step_min <<<"$line") | $(number first_step_ms <<<"$line") |"
        else
            reason=$(why)
            row+=" does not run: $reason | | |"
            [[ $reason = takes* ]] && slow=1
        fi
        for mode in $torch_modes; do
            if line=$(attempt "$PYTHON" "$HERE/torch_gpu.py" "$workload" "$batch" "$mode" "$STEPS"); then
                row+=" $(number ms_per_step_median <<<"$line") |"
            else
                row+=" does not run: $(why) |"
            fi
        done
        say "$row"
    done
}
header() { # what the rows are
    local names="" rule="" mode
    for mode in $torch_modes; do names+=" PyTorch $mode |" rule+="---:|"; done
    say
    say "| $1 | ms a step, median | minimum | first step, ms |$names"
    say "|---:|---:|---:|---:|$rule"
}

: >"$OUT"
line=$(attempt "$BENCH" curve --device gpu --steps 1) || { echo "no GPU: $(why)" >&2; exit 1; }
adapter=$(text adapter <<<"$line")
say "# $adapter"
say
case $adapter in
    *software*) say "**A software adapter: a processor stands in for the card. These figures say nothing about any card.**"; say ;;
esac
say "- $(date -u +%Y-%m-%d), $(uname -sr), $(nproc) processors"
command -v nvidia-smi >/dev/null && say "- nvidia-smi: $(nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader | head -1)"
torch_modes="" torch_blank=" | | |"
if version=$(attempt "$PYTHON" -c 'import torch; assert torch.cuda.is_available(); print(torch.__version__, torch.cuda.get_device_name())'); then
    torch_modes="eager compile graph"
    torch_blank+=" | | |"
    say "- PyTorch: $version; f32 without TF32, as here"
else
    say "- PyTorch: skipped, there is none with CUDA"
fi

say
say "## Training steps"
for workload in $WORKLOADS; do
    own=$("$BENCH" "$workload" --plan | sed -n 's/^memory of training with batches of \([0-9]*\):.*/\1/p')
    say
    say "### $workload, whose own batch is $own"
    header batch
    for batch in $BATCHES "$own"; do echo "$batch $workload $batch"; done | sort -n -u | rows
done
if [ -n "$WIDTHS" ] && "$BENCH" --help | grep -q 'width-'; then
    say
    say "### wide, by its width, batch 256"
    header width
    for width in $WIDTHS; do echo "$width width-$width 256"; done | rows
elif [ -n "$WIDTHS" ]; then
    say
    say "Widths: skipped, this binary was built without the feature \`sizes\`."
fi

say
say "## Predictions of one sample, from memory to memory"
say
say "| workload | ms, median | minimum |"
say "|---|---:|---:|"
for workload in $WORKLOADS; do
    if line=$(attempt "$BENCH" "$workload" --device gpu --steps "$STEPS" --inference); then
        say "| $workload | $(number ms_per_step_median <<<"$line") | $(number ms_per_step_min <<<"$line") |"
    else
        say "| $workload | does not run: $(why) | |"
    fi
done

say
say "## Agreement with the CPU"
say
say "The largest difference over the largest number: of predictions, of gradients, of the losses of five steps."
say
say "| workload | predictions | gradients | losses |"
say "|---|---:|---:|---:|"
for workload in $WORKLOADS; do
    if line=$(attempt "$BENCH" "$workload" --agreement); then
        say "| $workload | $(number predictions <<<"$line") | $(number gradients <<<"$line") | $(number losses <<<"$line") |"
    else
        say "| $workload | does not run: $(why) | | |"
    fi
done

say
say "## Time by kernel, from the device's own clock"
for workload in $WORKLOADS; do
    say
    say "### $workload"
    say
    NN_PROFILE=1 timeout "$LIMIT" "$BENCH" "$workload" --device gpu --steps 10 --profile 2>"$ERRORS" | grep '^|' | tee -a "$OUT" \
        || say "does not run: $(why)"
done
echo "written to $OUT" >&2
