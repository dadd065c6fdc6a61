"""Side by side with PyTorch and transformers: sampling, and the gradient of steering vectors.

    python tests/peers/pytorch_side_by_side.py [--model DIR] [--threads 2] [--repeats 9] [--out FILE]

Both sides read the same checkpoint, the same prompts and the same rows, compute in float32 on the same number of
threads, and take turns: every repeat runs each task on each contestant once, in an order that is reversed from one
repeat to the next, with a pause in between so that no side pays for the other's waiting threads. Before anything is
timed, both sides are checked to compute the same numbers. Needs torch and transformers, and `deno` on the PATH.

Contestants of PyTorch are several, so that it is judged by its best: transformers' own `generate` and a plain loop
over `past_key_values`; whole batches and micro-batches; logits only at the positions that have targets.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PAUSE_SECONDS = 0.3
# Largest allowed |difference| of log-probabilities in nats, and of adjoints relative to the largest one: float32.
LOG_PROB_BOUND = 1e-3
ADJOINT_BOUND = 1e-3


class Twin:
    """The TypeScript side, a process that answers one line per line."""

    def __init__(self, args):
        command = [args.deno, "run", "--no-prompt", "--allow-read", "--allow-write", "--allow-ffi"]
        command += [os.path.join(ROOT, "tests", "peers", "steering_twin.ts"), "--threads", str(args.threads)]
        if args.model:
            command += ["--model", os.path.abspath(args.model)]
        for name in ("rollout", "gradient"):
            if getattr(args, name):
                command += [f"--{name}", getattr(args, name)]
        if args.quick:
            command += ["--quick"]
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.work = self.read()

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit("error: the TypeScript side ended early; its own message is above")
        return json.loads(line)

    def ask(self, command):
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        return self.read()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Peer:
    """The PyTorch side."""

    def __init__(self, work, args):
        import torch
        from transformers import AutoModelForCausalLM
        from transformers.utils import logging

        logging.disable_progress_bar()
        self.torch = torch
        torch.set_num_threads(args.threads)
        torch.manual_seed(0)
        self.model = AutoModelForCausalLM.from_pretrained(
            work["model"], dtype=torch.float32, attn_implementation=args.attention
        ).eval()
        self.model.requires_grad_(False)
        self.model.generation_config.eos_token_id = None  # every row gets all its tokens
        self.prompts = torch.tensor(work["prompts"])
        self.new_tokens = work["rollout"]["newTokens"]
        rows = torch.tensor(work["rows"])
        self.inputs, self.targets = rows[:, :-1], rows[:, 1:]
        self.first_target = work["from"] - 1
        self.targets = self.targets[:, self.first_target :]
        self.biases = []
        for layer in self.model.model.layers:
            bias = torch.nn.Parameter(torch.zeros(self.model.config.hidden_size), requires_grad=False)
            layer.mlp.down_proj.bias = bias
            self.biases.append(bias)

    def generate(self, rows):
        prompts = self.prompts[:rows]
        with self.torch.inference_mode():
            out = self.model.generate(
                prompts,
                attention_mask=self.torch.ones_like(prompts),
                do_sample=True,
                temperature=1.0,
                top_k=0,
                top_p=1.0,
                max_new_tokens=self.new_tokens,
                pad_token_id=0,
            )
        expected = self.prompts.shape[1] + self.new_tokens
        assert out.shape[1] == expected, f"generate gave {out.shape[1]} positions, not {expected}"

    def loop(self, rows):
        torch = self.torch
        tokens, log_probs = [], []
        with torch.inference_mode():
            out = self.model(self.prompts[:rows], use_cache=True, logits_to_keep=1)
            while True:
                scores = torch.log_softmax(out.logits[:, -1], dim=-1)
                token = torch.multinomial(scores.exp(), 1)
                tokens.append(token)
                log_probs.append(scores.gather(1, token))
                if len(tokens) == self.new_tokens:
                    return torch.cat(tokens, 1), torch.cat(log_probs, 1)
                out = self.model(token, past_key_values=out.past_key_values, use_cache=True)

    def steer(self, layers, micro_batch):
        torch = self.torch
        for layer, bias in enumerate(self.biases):
            bias.requires_grad_(layer in layers)
        chosen = [self.biases[layer] for layer in layers]
        total = [torch.zeros_like(bias) for bias in chosen]
        kept = self.targets.shape[1]
        for start in range(0, len(self.inputs), micro_batch):
            part = slice(start, start + micro_batch)
            logits = self.model(self.inputs[part], use_cache=False, logits_to_keep=kept).logits
            loss = torch.nn.functional.cross_entropy(
                logits.flatten(0, 1), self.targets[part].flatten(), reduction="sum"
            ) / self.targets.numel()
            for sum_, adjoint in zip(total, torch.autograd.grad(loss, chosen)):
                sum_ += adjoint
        return total

    def score(self, rows):
        with self.torch.inference_mode():
            scores = self.torch.log_softmax(self.model(rows[:, :-1], use_cache=False).logits, dim=-1)
            return scores.gather(2, rows[:, 1:, None])[:, :, 0]


def check(twin, peer):
    """Both sides must give the same numbers: log-probabilities of sampled tokens, and all steering adjoints."""
    torch = peer.torch
    answer = twin.ask({"do": "check"})
    rows = torch.tensor(answer["tokens"])
    scored = peer.score(rows)[:, -peer.new_tokens :]
    log_prob_error = (scored - torch.tensor(answer["logProbs"])).abs().max().item()
    layers = list(range(len(peer.biases)))
    theirs = torch.stack(peer.steer(layers, len(peer.inputs)))
    ours = torch.tensor([answer["adjoints"][str(layer)] for layer in layers])
    adjoint_error = ((ours - theirs).abs().max() / theirs.abs().max()).item()
    print(f"same numbers: log-probabilities to {log_prob_error:.1e} nats, adjoints to {adjoint_error:.1e} of the largest")
    if not (log_prob_error <= LOG_PROB_BOUND and adjoint_error <= ADJOINT_BOUND):
        twin.close()
        sys.exit("error: the two sides do not compute the same numbers, so their times cannot be compared")
    return {"logProbErrorNats": log_prob_error, "adjointErrorRelative": adjoint_error}


def timed(work):
    def run():
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    return run


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", help="Hugging Face folder (default: base A of the zoo, or random weights of its shape)")
    parser.add_argument("--batches", help="rows that are sampled together, a task each: 1,8,32 (default: all prompts)")
    parser.add_argument("--layers", help="layers whose gradient alone is timed: 0,15,28 (default: the last but one)")
    parser.add_argument("--rollout", help="prompts, their tokens and new tokens: 32,32,32")
    parser.add_argument("--gradient", help="rows of a gradient and their tokens: 16,80")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--attention", default="sdpa", choices=["sdpa", "eager"], help="attention kernel of transformers")
    parser.add_argument("--deno", default="deno", help="the deno to run")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to see that all runs")
    parser.add_argument("--out", help="write the figures as JSON too")
    args = parser.parse_args()

    twin = Twin(args)
    work = twin.work
    peer = Peer(work, args)
    import transformers

    size, rows = work["rollout"], peer.inputs.shape
    every = list(range(len(peer.biases)))
    numbers = lambda text, default: [int(part) for part in text.split(",")] if text else [default]
    batches, single = numbers(args.batches, size["rows"]), numbers(args.layers, work["lateLayer"])
    half = max(1, len(peer.inputs) // 2)
    print(
        f"{platform.machine()}, {args.threads} threads; torch {peer.torch.__version__}, "
        f"transformers {transformers.__version__} ({args.attention}); {len(every)} layers x {peer.model.config.hidden_size}"
    )
    agreement = check(twin, peer)

    def ours(command):
        return lambda: twin.ask(command)["seconds"]

    def steering(layers):
        return {
            "this project": ours({"do": "steer", "layers": layers}),
            f"PyTorch, one batch of {len(peer.inputs)}": timed(lambda: peer.steer(layers, len(peer.inputs))),
            f"PyTorch, micro-batches of {half}": timed(lambda: peer.steer(layers, half)),
        }

    def sampling(count):
        return {
            "this project": ours({"do": "sample", "rows": count}),
            "PyTorch, transformers generate": timed(lambda: peer.generate(count)),
            "PyTorch, loop over past_key_values": timed(lambda: peer.loop(count)),
        }

    tasks = {}
    for count in batches:
        name = f"sampling, {count} rows x ({size['prompt']} + {size['newTokens']}) tokens"
        tasks[name] = (count * size["newTokens"], sampling(count))
    for name, layers in [(f"all {len(every)} layers", every)] + [(f"layer {layer} alone", [layer]) for layer in single]:
        tasks[f"steering gradient of {name}, {rows[0]} rows x {rows[1]} tokens"] = (rows.numel(), steering(layers))
    seconds = {task: {name: [] for name in contestants} for task, (_, contestants) in tasks.items()}
    for repeat in range(args.repeats + 1):
        for task, (_, contestants) in tasks.items():
            order = list(contestants.items())
            for name, run in order if repeat % 2 == 0 else reversed(order):
                time.sleep(PAUSE_SECONDS)
                taken = run()
                if repeat > 0:  # the first round warms up
                    seconds[task][name].append(taken)
    twin.close()

    report = {"threads": args.threads, "repeats": args.repeats, "agreement": agreement, "tasks": []}
    for task, (tokens, _) in tasks.items():
        print(f"\n{task}\n  {'':38}  {'min ms':>8}  {'median ms':>9}  {'tokens/s':>9}  {'over ours':>9}")
        own = statistics.median(seconds[task]["this project"])
        for name, taken in seconds[task].items():
            middle = statistics.median(taken)
            print(
                f"  {name:38}  {min(taken) * 1e3:8.1f}  {middle * 1e3:9.1f}  {tokens / middle:9.0f}  {middle / own:9.2f}"
            )
            report["tasks"].append({"task": task, "contestant": name, "tokens": tokens, "seconds": taken})
    if args.out:
        with open(args.out, "w", encoding="utf-8") as file:
            json.dump(report, file, indent=2)
            file.write("\n")


if __name__ == "__main__":
    main()
