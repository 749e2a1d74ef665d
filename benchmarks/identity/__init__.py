"""The identity benchmark: does the avatar look like the person?

    python -m benchmarks.identity --quick        # six subjects, the rows that matter most
    python -m benchmarks.identity                # 24 subjects, all rows and curves; goes on where it was stopped

people.py                  the subjects: characters that nothing was trained on, their selfies, the prompts
rows.py                    what is compared: bases, settings, ablations, the peer
train.py, peer.py          one training: our recipe, or the peer's script, each launched as a process
draw.py                    the pictures of a row, kept on disk
judge_nets.py, judge_data.py, judges.py   the judges: nets, their drawings, how they are trained and asked
metrics.py                 the formulas, plain arrays in and numbers out
score.py                   pictures to figures, and figures to means with their intervals
report.py, table.py, sheet.py    results as JSON, as tables in documents, as a picture
"""
