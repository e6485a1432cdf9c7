"""EWC, PI and RW in Python floats, one value at a time, from the methods' descriptions."""

import torch


def flat(tensor):
    return tensor.detach().flatten().tolist()


def normalised(values):
    low, high = min(values), max(values)
    return [(value - low) / (high - low + 1e-8) for value in values]


class PlainPenalty:
    """Omega = sum of w (theta - theta_old)^2 on what existed at the end of the previous step."""

    def __init__(self, weight):
        self.weight = weight
        self.importance, self.anchor, self.values = {}, {}, []
        self.statistics = {}

    def begin(self, model):
        self.iteration = 0
        self.start = {name: flat(p) for name, p in model.named_parameters()}

    def iterate(self, model):
        value = 0.0
        for name, parameter in model.named_parameters():
            theta, g = flat(parameter), flat(parameter.grad)
            self.note(name, theta, g)
            if name in self.importance:
                extra = []
                for w, now, old in zip(
                    self.importance[name], theta, self.anchor[name], strict=True
                ):
                    value += self.weight * w * (now - old) ** 2
                    extra.append(2 * self.weight * w * (now - old))
                parameter.grad += torch.tensor(extra).double().view_as(parameter)
        self.values.append(value)
        self.iteration += 1

    def end(self, model):
        for name, parameter in model.named_parameters():
            self.importance[name] = self.finish(name, flat(parameter))
            self.anchor[name] = flat(parameter)


class PlainEWC(PlainPenalty):
    def note(self, name, theta, g):
        known = self.statistics.setdefault(name, [1.0] * len(g))
        self.statistics[name] = [0.9 * x * x + 0.1 * f for x, f in zip(g, known, strict=True)]

    def finish(self, name, theta):
        return normalised(self.statistics[name])


class PlainPI(PlainPenalty):
    def begin(self, model):
        super().begin(model)
        self.delta = {name: [0.0] * p.numel() for name, p in model.named_parameters()}
        self.previous = {}

    def note(self, name, theta, g):
        if name in self.previous:
            for i, (before, now) in enumerate(zip(self.previous[name], theta, strict=True)):
                self.delta[name][i] += g[i] * (before - now)
        self.previous[name] = theta

    def finish(self, name, theta):
        score = self.statistics.get(name, [0.0] * len(theta))
        for i, now in enumerate(theta):
            moved = (now - self.start[name][i]) ** 2 + 1e-20
            score[i] += max(0.0, self.delta[name][i] / moved)
        self.statistics[name] = score
        return normalised(score)


class PlainRW(PlainEWC):
    def __init__(self, weight, interval):
        super().__init__(weight)
        self.interval, self.scores = interval, {}

    def begin(self, model):
        super().begin(model)
        self.path = {name: [0.0] * p.numel() for name, p in model.named_parameters()}
        self.reference = {}

    def note(self, name, theta, g):
        if self.iteration % self.interval == 0:
            fisher = self.statistics.get(name, [1.0] * len(g))
            if name in self.reference:
                for i, (then, now) in enumerate(zip(self.reference[name], theta, strict=True)):
                    below = 0.5 * fisher[i] * (now - then) ** 2 + 1e-8
                    self.path[name][i] += g[i] * (then - now) / below
            self.reference[name] = theta
        super().note(name, theta, g)

    def finish(self, name, theta):
        score = [max(0.0, s) for s in self.path[name]]
        if name in self.scores:
            score = [(a + b) / 2 for a, b in zip(score, self.scores[name], strict=True)]
        self.scores[name] = score
        fisher = normalised(self.statistics[name])
        return [a + b for a, b in zip(fisher, normalised(score), strict=True)]
