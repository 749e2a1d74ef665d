"""Teaches a base model one person from a few photos: DreamBooth (arXiv 2208.12242) with LoRA (arXiv 2106.09685).

    accelerate launch --config_file accelerate_config.yaml recipes/train_lora.py
    accelerate launch --config_file accelerate_config.yaml recipes/train_lora.py \\
        --config recipes/configs/identity.yaml photos=DIR name=NAME train.steps=400

Without arguments it learns the sample subject. `photos` is a folder, or the word `subject` for photos that were kept
under the name. Number of processes and precision are accelerate's; everything else is a setting
(`workbench/config/settings.py`).

What it does is written to `workspace/runs/NAME`; the finished adapter goes to `loras/NAME.safetensors`. Ctrl-C
saves; starting it again continues exactly. A finished run is not continued: the next one of its name starts afresh,
and what the first left in its run folder moves to `earlier/`.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

if find_spec("workbench") is None:  # not installed; but this file lies in the repository, beside the package
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from workbench.config import Settings, atomic_write, changed_settings, flat_settings, home, shelf, strengths
from workbench.dataset import load_examples
from workbench.dataset.selfies import gather_selfies
from workbench.dataset.wordings import wordings
from workbench.photos import agreed_scope
from workbench.training import RunFolder, StopAsked, Stopping
from workbench.training.report import Stages, say, write_figures, writes
from workbench.training.starting import load_ahead, start
from workbench.training.watch import PhotoWatch


def main(arguments: list[str] | None = None) -> int:
    """Reads the settings, trains, and returns the exit code."""
    return start(train, arguments, "Teaches a base model one person from a few photos.")


def train(settings: Settings, run: RunFolder, stopping: Stopping, stages: Stages) -> None:
    """The story: photos, base, data set, adapter, loop, saving."""
    name, seed, lora, goal, ways = settings.name, settings.seed, settings.lora, settings.train, settings.follow
    extras, chosen = strengths(goal.techniques), changed_settings(settings)
    patience = int(extras.get("patience", 0))
    words = {"trigger": settings.trigger, "class_noun": settings.class_noun}
    prompts = [prompt.format(**words) for prompt in ways.preview_prompts]

    # --- photos: judged while what is heavy is being loaded, so that a wrong folder is told at once
    libraries = load_ahead()
    with stages("photos"):
        ratio = extras.get("buckets", 0.0)
        selfies = gather_selfies(settings.photos, name, stopping.progress, ratio) if writes() else None
        for line in selfies.rejected if selfies else ():
            say(run, f"left out: {line}")
        watch = PhotoWatch(selfies.files if selfies else ())

    with stages("imports"):
        libraries.join()
        from workbench.backbones import open_backbone, quiet_libraries

        quiet_libraries()
        from workbench.adapters import Card, save_adapter, thumbnail_uri
        from workbench.dataset.encode import encode
        from workbench.dataset.making import make_dataset
        from workbench.dataset.pictures import hear_prompts
        from workbench.identity.choose import Chooser
        from workbench.identity.run_report import write_report
        from workbench.training.batches import draw_batch
        from workbench.training.compiling import as_ever, compile_blocks
        from workbench.training.continuation import Continuation, facts_of
        from workbench.training.ema import Average
        from workbench.training.follow import Follower, is_due
        from workbench.training.launch import anywhere, seed_dropout, start_accelerator, weights_dtype
        from workbench.training.lora import attach_lora
        from workbench.training.memory import save_memory
        from workbench.training.objective import Objective, learn_in_parts
        from workbench.training.optimizer import largest_norm, make_optimizer, rate_share, set_rate
        from workbench.training.pieces import Pieces
        from workbench.training.previews import draw_preview
        from workbench.training.techniques import drawing_of, text_rank_of, weighting_of
        from workbench.training.validation import Validation, hold_out
        from workbench.training.word import learned_word

    with stages("base"):
        accelerator, asked_for_pieces = start_accelerator(run.folder, ways.trackers, goal.batch_size, chosen)
        uncut = (lora.kind, lora.text_encoder, settings.memory.quantise, goal.compile)
        pieces = Pieces(accelerator, asked_for_pieces, *uncut)
        precision, dtype = accelerator.autocast, weights_dtype(accelerator)
        backbone = open_backbone(settings.base, accelerator.device, dtype, settings.memory.phased)
        save_memory(backbone, settings.memory.checkpointing, settings.memory.quantise)

    # --- data set: photos, chibis with the person's traits (anchors), pictures of anyone of the class
    traits: dict[str, Any] = {}
    folder, cache, asked = home() / "datasets" / name, home() / "cache", settings.data
    if selfies:
        traits = make_dataset(
            folder, selfies, backbone, words, settings.traits, asked.anchors, asked.class_pictures,
            bool(extras["captions"]), seed, cache / "pictures", stopping.progress, stage=stages, precision=precision,
        )  # fmt: skip
    accelerator.wait_for_everyone()
    word = learned_word(settings.trigger, extras["word_learning_rate"], lora.text_encoder)
    if extras["word_learning_rate"] > 0 and not word:
        say(run, "the trigger word gets no entry of its own, since lora.text_encoder is off")
    with stages("encoding"), accelerator.main_process_first():
        hear_prompts(backbone, prompts)
        data = encode(
            backbone, load_examples(folder), asked.resolution, bool(extras["flips"]), cache / "latents",
            keep_text=not lora.text_encoder, weights={"class": extras["prior_weight"]}, on_picture=stopping.progress,
            word=lambda text: wordings(text, extras, seed), ratio=ratio, smallest=extras.get("multi_resolution", 0.0),
            teach=extras.get("teacher", 0.0) > 0,
        )  # fmt: skip
        data, held = hold_out(data, ways.held_out)

    # --- adapter, optimizer, and what the last attempt left
    with stages("adapter"):
        pieces.cut(backbone, data)  # accelerate launch --use_fsdp
        text_rank = text_rank_of(extras, lora.text_encoder)
        adapter = attach_lora(
            backbone, lora.rank, lora.alpha, lora.targets, extras.get("dropout", 0.0), text_rank, seed=seed,
            kind=lora.kind, word=word,
        )  # fmt: skip
        rates = (goal.learning_rate, extras["text_learning_rate"], extras["word_learning_rate"])
        groups = adapter.groups(*rates, extras.get("lora_plus", 0.0) or 1.0)
        average = Average(adapter.state(), extras.get("ema", 0.0))
        parameters = [parameter for group, _ in groups for parameter in group]
        objective, optimizer = pieces.prepare(
            Objective(backbone, weighting_of(extras), lora.text_encoder),
            make_optimizer(groups, goal.optimizer, extras["weight_decay"]),
        )
        if goal.compile:
            compile_blocks(backbone)
        facts = facts_of(flat_settings(settings), backbone, data, word)
        continuation = Continuation(run, adapter, optimizer, accelerator.scaler, facts, chosen, average)
        say(run, continuation.restore(writes()))
        first = done = continuation.step
        watching = (first, ways.held_out, patience, ways.scorer)
        chooser = Chooser(run, selfies.crops, traits, *watching) if selfies else None
        if chooser and chooser.told:
            say(run, f"previews are compared by traits, since likeness cannot be judged: {chooser.told}")

    # --- the loop: everything it reads is on the device already
    names = selfies.names if selfies else ()
    follower = Follower(data, first, goal.steps, run if writes() else None, names, accelerator)
    processes = (accelerator.process_index, accelerator.num_processes)
    drawing, stopped = drawing_of(extras, backbone, data), False
    validation = Validation(accelerator.unwrap_model(objective), backbone, data, held, seed)
    objective.train()
    with stages("training", "running"):
        for step in range(first, goal.steps):
            rate = set_rate(optimizer, rate_share(step, goal.steps, goal.schedule, extras["warmup"]))
            seed_dropout(seed, step, accelerator.process_index)
            batch = draw_batch(data, seed, step, goal.batch_size, backbone.timesteps, *processes, drawing=drawing)
            losses = learn_in_parts(objective, batch, settings.memory.parts, accelerator.backward)
            pieces.average(parameters)
            norm = accelerator.clip_grad_norm_(parameters, largest_norm(extras["clip"]))
            optimizer.step()
            optimizer.zero_grad()

            done = step + 1
            average.update(done)
            follower.step(done, accelerator.gather(losses), norm, batch.examples, rate)
            watch.check()
            stopped = done < goal.steps and anywhere(stopping.asked(), accelerator, done)
            due = stopped or done == goal.steps or is_due(done, ways.checkpoint_every)
            if pieces.agreed(due or (writes() and run.take("save"))):
                with follower.paused(), as_ever(goal.compile), pieces.led():
                    if writes():
                        watch.check(at_once=True)
                        continuation.save(done)
                        with average.shown(), precision():
                            follower.validated(done, validation.loss())
            if stopped:
                break
            due = prompts and (is_due(done, ways.preview_every) or (writes() and run.take("preview")))
            # The last one is drawn afterwards, with all its steps; quickly here too, to compare like with like.
            if done == goal.steps:
                due = chooser and chooser.scores and ways.keep_best
            if pieces.agreed(bool(due)):
                with (
                    follower.paused(), as_ever(goal.compile), pieces.led(), stages("previews", "running"),
                    average.shown(), precision(),
                ):  # fmt: skip
                    if writes() and chooser:
                        pictures = draw_preview(backbone, prompts, seed, run.preview(done), quick=True)
                        score = chooser.look(done, pictures, prompts, adapter.state())
                        accelerator.log({score.by: score.mean}, step=done)
                    backbone.hold("denoiser")
            if patience and anywhere(bool(chooser and chooser.gives_up), accelerator, done):
                break
    follower.close()
    if not (writes() and selfies and chooser):
        return None if stopped else pieces.follow()
    if stopped:
        raise StopAsked(f"{stopping.reason} after step {continuation.step}; start it again to continue")

    # --- saved means proven: a fresh pipeline opens the file and draws the same picture
    average.settle()
    choice = chooser.settle(adapter, done, ways.keep_best)
    say(run, f"takes the adapter after step {choice.step}: {choice.why}")
    with as_ever(goal.compile), pieces.led():
        with stages("last preview", "saving"), precision():
            pictures = draw_preview(backbone, prompts, seed, run.preview(choice.step))
        with stages("saving", "saving"):
            card = Card(
                name=name, **words, base=backbone.id, base_fingerprint=backbone.fingerprint, family=backbone.family,
                resolution=asked.resolution or backbone.resolution, rank=lora.rank, alpha=lora.alpha, steps=choice.step,
                traits=traits, scores=chooser.final(pictures, prompts) if pictures else {},
                thumbnail=thumbnail_uri(pictures[0]) if pictures else "", example_prompts=prompts, settings=chosen,
                scope=agreed_scope(name),
            )  # fmt: skip
            states, configs, told = adapter.saved()
            say(run, told)
            saved = save_adapter(run.folder / "adapter.safetensors", states, configs, card, backbone)
            on_shelf = shelf() / f"{name}.safetensors"
            atomic_write(on_shelf, saved.read_bytes())
    accelerator.end_training()
    write_figures(
        run, stages, accelerator, name=name, adapter=str(on_shelf), photos=selfies.told(), traits=traits,
        scores=card.scores, chosen=choice.to_dict(), loss={"first": follower.losses[:1], "last": follower.losses[-1:]},
    )  # fmt: skip
    run.status("done", stage="done", step=done, steps=goal.steps)
    write_report(run.folder, photos=False)
    say(run, f"{name} is learnt: {on_shelf} ({sum(stages.seconds.values()):.0f} s)")


if __name__ == "__main__":
    sys.exit(main())
