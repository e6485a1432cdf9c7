"""A step metric that no confusion matrix could give."""


class ShareOfWhite:
    """The share of white values in the images, in 0..1."""

    def reset(self):
        self.white = self.total = 0

    def update(self, batch):
        self.white += int((batch.images == 255).sum())
        self.total += batch.images.numel()

    def all_reduce(self):
        pass

    def compute(self, groups):
        return {"share_of_white": self.white / self.total}
