"""Teaches a base model one person from a few photos: DreamBooth (arXiv 2208.12242) with LoRA (arXiv 2106.09685).

    accelerate launch --config_file accelerate_config.yaml recipes/train_lora.py
    accelerate launch --config_file accelerate_config.yaml recipes/train_lora.py \\
        --config recipes/configs/identity.yaml photos=DIR name=NAME train.steps=300

Without arguments it learns the sample subject. `photos` is a folder, or the word `subject` for photos that were kept
under the name. Number of processes and precision are accelerate's; everything else is a setting
(`workbench/config/settings.py`).

What it does is written to `workspace/runs/NAME`; the finished adapter goes to `loras/NAME.safetensors`. Ctrl-C
saves; starting it again continues exactly. A finished run is not continued: the next one of its name starts afresh,
and what the first left in its run folder moves to `earlier/`.
"""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import Any

if find_spec("workbench") is None:  # not installed; but this file lies in the repository, beside the package
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from workbench.captions import caption, check_traits, read_scene, read_traits
from workbench.config import Settings, atomic_write, changed_settings, home, load_settings, settings_to_yaml, shelf
from workbench.config.load import flat_settings, with_settings
from workbench.dataset import build_dataset, load_examples
from workbench.dataset.selfies import gather_selfies
from workbench.dataset.wordings import wordings
from workbench.device import prepare_environment
from workbench.errors import WorkbenchError
from workbench.photos import agreed_scope
from workbench.training import RunFolder, StopAsked, Stopping
from workbench.training.report import Stages, machine, versions, writes
from workbench.training.stepping_down import fitting
from workbench.training.watch import PhotoWatch


def main(arguments: list[str] | None = None) -> int:
    """Reads the settings, trains, and returns the exit code."""
    parser = argparse.ArgumentParser(description="Teaches a base model one person from a few photos.")
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings, as recipes/configs/identity.yaml")
    parser.add_argument("settings", nargs="*", metavar="key=value", help="single settings: photos=DIR name=NAME")
    options = parser.parse_args(arguments)
    prepare_environment()
    try:
        settings = load_settings(options.config, options.settings)
        check_traits(settings.traits)
        run = RunFolder(home() / "runs" / settings.name)
        stopping = Stopping(run)
        with ExitStack() as stack:
            if writes():
                stack.enter_context(run.hold())
                stack.enter_context(run.attempt())
            stack.enter_context(stopping.listening())
            attempt = lambda changes: train(with_settings(settings, changes), run, stopping)  # noqa: E731
            fitting(attempt, flat_settings(settings), lambda told: say(run, told))
    except WorkbenchError as error:
        if writes():
            print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def train(settings: Settings, run: RunFolder, stopping: Stopping) -> None:
    """The story: photos, base, data set, adapter, loop, saving."""
    if writes():
        clear_the_way(run, settings)
    stages = Stages(run if writes() else None)
    stages.launched()
    name, seed = settings.name, settings.seed
    words = {"trigger": settings.trigger, "class_noun": settings.class_noun}

    def progress(done: int, total: int) -> None:
        """Every slow preparation calls this; it ends here when someone asked to stop."""
        stopping.check()
        if writes():
            run.status(beat=True, step=done, steps=total)

    # --- photos: judged before anything heavy is loaded, so that a wrong folder is told at once
    with stages("photos"):
        selfies = gather_selfies(settings.photos, name, progress) if writes() else None
        for line in selfies.rejected if selfies else ():
            say(run, f"left out: {line}")
        watch = PhotoWatch(selfies.files if selfies else ())

    with stages("imports"):
        from workbench.backbones import open_backbone, quiet_libraries

        quiet_libraries()
        from workbench.adapters import Card, save_adapter, thumbnail_uri
        from workbench.dataset.encode import encode
        from workbench.dataset.pictures import cached_pictures
        from workbench.dataset.prompts import anchor_orders, class_orders, photo_caption
        from workbench.identity.choose import Chooser
        from workbench.identity.run_report import write_report
        from workbench.training.batches import draw_batch
        from workbench.training.continuation import Continuation
        from workbench.training.ema import Average
        from workbench.training.follow import Follower
        from workbench.training.launch import anywhere, seed_dropout, start_accelerator, weights_dtype
        from workbench.training.lora import attach_lora, chosen_targets
        from workbench.training.memory import save_memory
        from workbench.training.objective import Objective, learn_in_parts
        from workbench.training.optimizer import make_optimizer, rate_share, set_rate
        from workbench.training.previews import draw_preview
        from workbench.training.techniques import drawing_of, weighting_of
        from workbench.training.validation import Validation, hold_out
        from workbench.training.word import learned_word

    with stages("base"):
        accelerator = start_accelerator(
            run.folder, settings.follow.trackers, settings.train.batch_size, changed_settings(settings)
        )
        backbone = open_backbone(settings.base, accelerator.device, weights_dtype(accelerator))
        save_memory(backbone, settings.memory.checkpointing, settings.memory.quantise)

    # --- data set: photos, chibis with the person's traits (anchors), pictures of anyone of the class
    traits: dict[str, Any] = {}
    folder, cache = home() / "datasets" / name, home() / "cache"
    if selfies:
        with stages("traits"):
            read = {trait: reading.value for trait, reading in read_traits(selfies.crops).items()}
            traits = read | selfies.traits | check_traits(settings.traits)
            captions = [  # the person's own words go before what the reader sees
                caption(**words, style="photo", scene_words=said)
                if said or not settings.data.captions
                else photo_caption(**words, scene=read_scene(crop))
                for crop, said in zip(selfies.crops, selfies.words, strict=True)
            ]
            photos = list(zip(selfies.crops, captions, strict=True))
        with stages("anchors and class pictures"), accelerator.autocast():
            anchors = anchor_orders(traits, **words, count=settings.data.anchors, seed=seed)
            others = class_orders(settings.class_noun, settings.data.class_pictures, seed)
            prompts, seeds = [each.prompt for each in anchors + others], [each.seed for each in anchors + others]
            drawn = cached_pictures(backbone, prompts, seeds, cache / "pictures", on_picture=progress)
            captioned = [(picture, each.caption) for picture, each in zip(drawn, anchors + others, strict=True)]
        with stages("data set"):
            build_dataset(folder, photos, captioned[len(anchors) :], captioned[: len(anchors)])
    accelerator.wait_for_everyone()
    lora, goal, extras = settings.lora, settings.train, settings.train.techniques
    word = learned_word(settings.trigger, goal.word_learning_rate, lora.text_encoder)
    if goal.word_learning_rate > 0 and not word:
        say(run, "the trigger word gets no entry of its own, since lora.text_encoder is off")
    with stages("encoding"), accelerator.main_process_first():
        data = encode(
            backbone,
            load_examples(folder),
            resolution=settings.data.resolution,
            flips=settings.data.flips,
            cache_dir=cache / "latents",
            keep_text=not lora.text_encoder,
            weights={"class": goal.prior_weight},
            on_picture=progress,
            word=lambda text: wordings(text, extras, seed),
        )
        data, held = hold_out(data, settings.follow.held_out)

    # --- adapter, optimizer, and what the last attempt left
    with stages("adapter"):
        text_rank = lora.text_rank if lora.text_encoder else 0
        adapter = attach_lora(
            backbone, lora.rank, lora.alpha, lora.targets, lora.dropout, text_rank, seed=seed, kind=lora.kind, word=word
        )
        rates = dict.fromkeys(backbone.text_encoders, goal.text_learning_rate)
        rates[backbone.denoiser_name] = goal.learning_rate
        groups = adapter.groups(rates, goal.word_learning_rate, extras.get("lora_plus", 0.0) or 1.0)
        average = Average(adapter.state(), extras.get("ema", 0.0))
        parameters = [parameter for group, _ in groups for parameter in group]
        objective, optimizer = accelerator.prepare(
            Objective(backbone, weighting_of(extras, goal.min_snr_gamma), lora.text_encoder),
            make_optimizer(groups, goal.optimizer, goal.weight_decay),
        )
        facts = {
            "base": backbone.fingerprint,
            "photos": data.photos_digest,
            "data.resolution": settings.data.resolution,
            "lora.rank": lora.rank,
            "lora.alpha": lora.alpha,
            "lora.targets": sorted(chosen_targets(backbone, lora.targets)),
            "lora.text_encoder": text_rank,
            "lora.kind": lora.kind,
            "trigger": word,
        }
        chosen = changed_settings(settings)
        continuation = Continuation(run, adapter, optimizer, accelerator.scaler, facts, chosen, average)
        if told := continuation.restore(writes()):
            say(run, told)
        ways, first = settings.follow, continuation.step
        watching = (first, ways.held_out, ways.patience, ways.scorer)
        chooser = Chooser(run, selfies.crops, traits, *watching) if selfies else None
        if chooser and chooser.told:
            say(run, f"previews are compared by traits, since likeness cannot be judged: {chooser.told}")

    # --- the loop: everything it reads is on the device already
    prompts = [prompt.format(**words) for prompt in settings.follow.preview_prompts]
    names = selfies.names + data.names[len(selfies.names) :] if selfies else data.names
    follower = Follower(data, continuation.step, goal.steps, run if writes() else None, names, accelerator)
    processes = (accelerator.process_index, accelerator.num_processes)
    stopped, done = False, first
    drawing = drawing_of(extras, backbone, data)
    validation = Validation(accelerator.unwrap_model(objective), backbone, data, held, seed)
    objective.train()
    with stages("training", "running"):
        for step in range(first, goal.steps):
            rate = set_rate(optimizer, rate_share(step, goal.steps, goal.schedule, goal.warmup))
            seed_dropout(seed, step, accelerator.process_index)
            batch = draw_batch(data, seed, step, goal.batch_size, backbone.timesteps, *processes, drawing=drawing)
            losses = learn_in_parts(objective, batch, settings.memory.parts, accelerator.backward)
            norm = accelerator.clip_grad_norm_(parameters, goal.clip or float("inf"))
            optimizer.step()
            optimizer.zero_grad()

            done = step + 1
            average.update(done)
            follower.step(done, accelerator.gather(losses), norm, batch.examples, rate)
            watch.check()
            stopped = done < goal.steps and anywhere(stopping.asked(), accelerator, done)
            due = stopped or done == goal.steps or is_due(done, settings.follow.checkpoint_every)
            if due or (writes() and run.take("save")):
                with follower.paused():
                    if writes():
                        watch.check(at_once=True)
                        continuation.save(done)
                        with average.shown(), accelerator.autocast():
                            follower.validated(done, validation.loss())
            if stopped:
                break
            due = prompts and (is_due(done, ways.preview_every) or (writes() and run.take("preview")))
            # The last one is drawn afterwards, with all its steps; quickly here too, to compare like with like.
            if due if done < goal.steps else chooser and chooser.scores and ways.keep_best:
                with follower.paused(), stages("previews", "running"), accelerator.autocast(), average.shown():
                    if writes() and chooser:
                        pictures = draw_preview(backbone, prompts, seed, run.preview(done), quick=True)
                        score = chooser.look(done, pictures, prompts, adapter.state())
                        accelerator.log({score.by: score.mean}, step=done)
            if ways.patience and anywhere(bool(chooser and chooser.gives_up), accelerator, done):
                break
    follower.close()
    if not writes():
        return
    if stopped:
        raise StopAsked(f"{stopping.reason} after step {continuation.step}; start it again to continue")

    # --- saved means proven: a fresh pipeline opens the file and draws the same picture
    average.settle()
    choice = chooser.settle(adapter, done, ways.keep_best)
    say(run, f"takes the adapter after step {choice.step}: {choice.why}")
    with stages("last preview", "saving"), accelerator.autocast():
        pictures = draw_preview(backbone, prompts, seed, run.preview(choice.step))
    with stages("saving", "saving"):
        card = Card(
            name=name,
            **words,
            base=backbone.id,
            base_fingerprint=backbone.fingerprint,
            family=backbone.family,
            resolution=settings.data.resolution or backbone.resolution,
            rank=lora.rank,
            alpha=lora.alpha,
            steps=choice.step,
            traits=traits,
            scores=chooser.final(pictures, prompts) if pictures else {},
            thumbnail=thumbnail_uri(pictures[0]) if pictures else "",
            example_prompts=prompts,
            settings=changed_settings(settings),
            scope=agreed_scope(name),
        )
        states, configs, told = adapter.saved()
        if told:
            say(run, told)
        saved = save_adapter(run.folder / "adapter.safetensors", states, configs, card, backbone)
        on_shelf = shelf() / f"{name}.safetensors"
        atomic_write(on_shelf, saved.read_bytes())
    accelerator.end_training()

    report = {
        "name": name,
        "adapter": str(on_shelf),
        "photos": {"used": list(selfies.names), "left out": list(selfies.rejected), "advice": list(selfies.advice)},
        "traits": traits,
        "scores": card.scores,
        "chosen": choice.to_dict(),
        "loss": {"first": follower.losses[:1], "last": follower.losses[-1:]},
        "seconds": {stage: round(seconds, 2) for stage, seconds in stages.seconds.items()},
        "seconds in all": round(sum(stages.seconds.values()), 2),
        "machine": machine(str(accelerator.device)) | {"precision": accelerator.mixed_precision},
        "versions": versions(),
    }
    atomic_write(run.folder / "report.json", json.dumps(report, ensure_ascii=False, indent=2) + "\n")
    run.status("done", stage="done", step=done, steps=goal.steps)
    write_report(run.folder, photos=False)
    say(run, f"{name} is learnt: {on_shelf} ({report['seconds in all']:.0f} s)")


def clear_the_way(run: RunFolder, settings: Settings) -> None:
    """Moves a finished run aside, so that a new one of its name starts from nothing; an unfinished one is continued."""
    run.clear_stop()
    finished = run.read_status().get("state") == "done"
    if finished or settings.follow.resume == "never" or not run.checkpoints.exists():
        kept = run.set_aside()
        if kept:
            say(run, f"{'it was finished' if finished else 'told to start afresh'}; what was there is kept in {kept}")
    atomic_write(run.folder / "settings.yaml", settings_to_yaml(settings))


def is_due(step: int, every: int) -> bool:
    """Whether something that is done every so many steps is done after this one; 0 is never."""
    return every > 0 and step % every == 0


def say(run: RunFolder, line: str) -> None:
    """Tells the terminal and the run's log."""
    if writes():
        print(f"{run.name}: {line}", flush=True)
        run.log(line)


if __name__ == "__main__":
    sys.exit(main())
