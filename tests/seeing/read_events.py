"""Reads event files back with TensorBoard's own reader, which checks every checksum, and prints what it found, a line each.

    pip install tensorboard
    python tests/seeing/read_events.py FOLDER
"""

import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

SIZES = {"scalars": 0, "histograms": 0}

for part in ["train", "validation"]:
    events = EventAccumulator(f"{sys.argv[1]}/{part}", size_guidance=SIZES)
    events.Reload()
    tags = events.Tags()
    for tag in sorted(tags["scalars"]):
        points = " ".join(f"{point.step}:{point.value:.6g}" for point in events.Scalars(tag))
        print(f"{part} scalar {tag} {points}")
    for tag in sorted(tags["histograms"]):
        for event in events.Histograms(tag):
            histogram = event.histogram_value
            assert abs(sum(histogram.bucket) - histogram.num) < 1e-9, (tag, event.step)
            assert len(histogram.bucket) == len(histogram.bucket_limit), (tag, event.step)
            assert list(histogram.bucket_limit) == sorted(histogram.bucket_limit), (tag, event.step)
        steps = " ".join(f"{event.step}:{event.histogram_value.num:.0f}" for event in events.Histograms(tag))
        print(f"{part} histogram {tag} {steps}")
