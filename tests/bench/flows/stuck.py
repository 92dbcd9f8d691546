from routilux import Flow, Routine


class R(Routine):
    def __init__(self):
        super().__init__()
        self.define_slot("trigger", handler=self.h)

    def h(self, **kw):
        while True:
            pass


f = Flow("stuck", execution_strategy="concurrent", max_workers=4)
for i in range(4):
    f.add_routine(R(), f"r{i}")
for i in range(4):
    f.execute(f"r{i}")
f.wait_for_completion()
