"""What the ledger promises, on each database it is kept in."""

import json
import threading
from contextlib import suppress
from dataclasses import replace

import optuna
import pytest
from ledger_samples import STARTED_AT, closing, lap, lease, new_run

from nassim.cost.work import Activity
from nassim.errors import NassimError
from nassim.executors.clock import utc
from nassim.ledger.entry import Entry, Outcome, Stage
from nassim.ledger.errors import RunNameTaken, RunTakenOver
from nassim.ledger.finding import Finding
from nassim.ledger.store import Ledger
from nassim.space.architecture import Architecture


class TestLedgerContract:
    def test_an_entry_comes_back_as_it_was_posted(self, ledger):
        writer = new_run(ledger)
        entry = Entry(
            "w0",
            1.25,
            0.5,
            Activity.CHECKPOINT,
            search="enas",
            stage=Stage.FINAL,
            job="enas/final",
            trial=7,
            architecture="abcdef012345",
            step=3,
            attempt=2,
            forward_flop=2**62,
            backward_flop=2**63 - 1,
            modelled_flop=1,
            torch_flop=2**63 - 1,
            elementwise_flop=3,
            elementwise_bytes=4,
            samples=5,
            bytes=6,
            uncounted=("cumprod", "ünï"),
            energy_j=7.5,
            metered_s=0.25,
            value=0.5,
            metrics={"accuracy": 0.5, "loss": float("nan")},
            outcome=Outcome.FAILED,
            reason="MemoryError: ünï\0 \udc80",
        )
        seq = writer.append(entry)
        writer.commit()
        (row,) = ledger.frame("run").to_dict("records")
        assert row.pop("seq") == seq
        assert row.pop("reason") == "MemoryError: ünï\\0 \\udc80"
        assert row.pop("uncounted").split() == ["cumprod", "ünï"]
        assert json.loads(row.pop("metrics")) == {"accuracy": 0.5, "loss": None}
        fields = {name: getattr(entry, name) for name in row if name != "lease"}
        assert {name: row[name] for name in fields} == fields

    def test_absent_fields_are_absent_and_not_zero(self, ledger):
        writer = new_run(ledger)
        writer.append(Entry("w0", 0.0, 1.0, Activity.IDLE))
        writer.commit()
        row = ledger.frame("run").iloc[0]
        absent = [
            "search",
            "job",
            "trial",
            "architecture",
            "step",
            "energy_j",
            "metered_s",
            "outcome",
            "reason",
            "lease",
        ]
        assert row[absent].isna().all()

    def test_nothing_is_written_before_the_commit(self, ledger):
        writer = new_run(ledger)
        writer.append(lap(0.0))
        assert (writer.pending, len(ledger.frame("run"))) == (1, 0)
        writer.commit()
        assert (writer.pending, len(ledger.frame("run"))) == (0, 1)
        writer.commit()
        assert len(ledger.frame("run")) == 1

    def test_numbers_grow_in_the_order_of_posting_over_resumes(self, ledger):
        writer = new_run(ledger)
        seqs = [writer.append(lap(float(i))) for i in range(3)]
        writer.commit()
        again = ledger.resume("run")
        seqs += [again.append(lap(float(i))) for i in range(3, 6)]
        again.commit()
        frame = ledger.frame("run")
        assert frame["seq"].tolist() == seqs == sorted(set(seqs))
        assert frame["start_s"].tolist() == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]

    def test_runs_are_listed_with_how_they_ended(self, ledger):
        new_run(ledger, "a").close("finished")
        new_run(ledger, "b")
        new_run(ledger, "c").close("stopped")
        ledger.resume("c")
        a, b, c = ledger.runs()
        assert (a.name, a.status, a.sessions) == ("a", "finished", 1)
        assert (b.name, b.status, b.sessions) == ("b", "running", 1)
        assert (c.name, c.status, c.sessions) == ("c", "running", 2)
        assert (a.started_at, a.experiment, a.about) == (STARTED_AT, {"space": "cell"}, {"nassim": "0.1.0"})
        assert ledger.run("b") == b

    def test_a_closed_run_takes_no_postings_and_a_wrong_status_is_refused(self, ledger):
        writer = new_run(ledger)
        with pytest.raises(ValueError, match="finished, interrupted, failed, stopped, found 'done'"):
            writer.close("done")
        writer.close("finished")
        writer.close("finished")
        with pytest.raises(ValueError, match="closed"):
            writer.append(lap(0.0))

    def test_an_unknown_run_is_answered_with_names_like_it(self, ledger):
        for name in ("quickstart-1", "quickstart-2", "other"):
            new_run(ledger, name)
        for read in (ledger.run, ledger.frame, ledger.totals, ledger.trials, ledger.balance, ledger.resume):
            with pytest.raises(NassimError, match=r"no run 'quikstart-1'.*Did you mean quickstart-1"):
                read("quikstart-1")
        with pytest.raises(NassimError, match="latest runs: other, quickstart-2, quickstart-1"):
            ledger.run("zzz")

    def test_a_name_is_given_once(self, ledger):
        new_run(ledger, "run")
        with pytest.raises(RunNameTaken, match="has a run 'run' already"):
            new_run(ledger, "run")
        with pytest.raises(NassimError, match=r"can't be named '\.\./x'"):
            new_run(ledger, "../x")

    def test_free_names_count_on(self, ledger):
        assert ledger.free_name("q") == "q-1"
        new_run(ledger, "q-9")
        new_run(ledger, "q-final")
        new_run(ledger, "queue-12")
        assert ledger.free_name("q") == "q-10"

    def test_drivers_that_start_at_once_get_names_of_their_own_and_write_side_by_side(self, url):
        names, errors = [], []
        barrier = threading.Barrier(4)

        def drive():
            try:
                with Ledger(url) as own:
                    barrier.wait()
                    writer = None
                    while writer is None:
                        with suppress(RunNameTaken):
                            writer = own.create(own.free_name("q"), {}, STARTED_AT)
                    names.append(writer.run)
                    for i in range(20):
                        writer.append(lap(float(i)))
                        writer.commit()
                    writer.close("finished")
            except Exception as error:
                errors.append(error)
                raise

        drivers = [threading.Thread(target=drive) for _ in range(4)]
        for driver in drivers:
            driver.start()
        for driver in drivers:
            driver.join()
        assert not errors
        assert sorted(names) == ["q-1", "q-2", "q-3", "q-4"]
        with Ledger(url) as ledger:
            assert [len(ledger.frame(name)) for name in names] == [20] * 4

    def test_findings_come_back(self, ledger):
        writer = new_run(ledger)
        architecture = Architecture({"0->1": "conv3x3", "0->2": "skip"})
        finding = Finding("tpe", 3, architecture, 10, 2**70, 2**71, 1000, 42, {"test_accuracy": 0.5}, 9)
        writer.found(finding)
        writer.commit()
        (found,) = ledger.findings("run")
        assert found == finding
        assert (found.architecture_id, found.forward_macs) == (architecture.id, 2**69)

    def test_fronts_come_back_with_their_values(self, ledger):
        writer = new_run(ledger)
        for number, (accuracy, flop) in enumerate([(0.5, 10.0), (0.9, 40.0), (0.8, 20.0), (0.7, 30.0)]):
            writer.append(
                closing(number, value=accuracy, metrics={"accuracy": accuracy, "flop": flop}, architecture=f"a{number}")
            )
        writer.append(closing(0, search="enas", value=0.2, metrics={"loss": 0.2}, architecture="b"))
        two = {"accuracy": "max", "flop": "min"}
        nothing = Architecture({})
        for search, trial, objectives, front in (
            ("tpe", 1, two, (1, 2, 0)),
            ("tpe", 0, two, (1, 2, 0)),
            ("enas", 0, {"loss": "min"}, (0,)),
        ):
            job = f"{search}/final/{trial}"
            writer.found(
                Finding(search, trial, nothing, 1, 1, 1, 1, 1, {}, 1, job=job, objectives=objectives, front=front)
            )
        writer.commit()
        front = ledger.front("run")
        assert list(front.columns) == ["search", "trial", "architecture", "found", "accuracy", "flop", "loss"]
        assert front.astype(object).where(front.notna(), None).to_numpy().tolist() == [
            ["tpe", 1, "a1", True, 0.9, 40.0, None],
            ["tpe", 2, "a2", False, 0.8, 20.0, None],
            ["tpe", 0, "a0", True, 0.5, 10.0, None],
            ["enas", 0, "b", True, None, None, 0.2],
        ]
        assert next((found.job, found.objectives, found.front) for found in ledger.findings("run")) == (
            "tpe/final/1",
            two,
            (1, 2, 0),
        )

    def test_what_an_earlier_nassim_found_is_read(self, ledger):
        """It knew one objective and one finding a search."""
        architecture = Architecture({"0->1": "skip"})
        finding = Finding("tpe", 3, architecture, 10, 20, 40, 1000, 42, {"accuracy": 0.5}, 60)
        older = {k: v for k, v in json.loads(finding.to_json()).items() if k not in ("job", "objectives", "front")}
        assert Finding.from_json(json.dumps(older)) == replace(
            finding, job="tpe/final", objectives={"accuracy": "max"}, front=()
        )
        writer = new_run(ledger)
        writer.found(finding)
        writer.commit()
        assert ledger.front("run").empty

    def test_totals_of_one_stage(self, ledger):
        writer = new_run(ledger)
        writer.lease(lease())
        writer.append(lap(0.0, 2.0, job="tpe/trial/0"))
        writer.append(lap(2.0, 3.0, job="tpe/final", trial=None, stage=Stage.FINAL))
        writer.append(lap(5.0, 4.0, job="tpe/final/7", trial=None, stage=Stage.FINAL))
        writer.commit()
        totals = ledger.totals("run", by=("job",), stage=Stage.FINAL)
        assert dict(zip(totals["job"], totals["seconds"], strict=True)) == {"tpe/final": 3.0, "tpe/final/7": 4.0}

    def test_a_wrong_entry_is_refused_when_it_is_appended(self, ledger):
        writer = new_run(ledger)
        with pytest.raises(
            NassimError, match=r"forward_flop of at most 9223372036854775807 .* found 9223372036854775808"
        ):
            writer.append(lap(0.0, forward_flop=2**63))
        with pytest.raises(ValueError, match="finite"):
            writer.append(lap(0.0, float("nan")))
        with pytest.raises(ValueError, match="names its search"):
            writer.append(lap(0.0, search=None))
        with pytest.raises(ValueError, match=r"Python int, found 1.5"):
            writer.append(lap(0.0, samples=1.5))
        writer.append(closing(0))
        with pytest.raises(ValueError, match="trial 0 of search 'tpe' has its closing line already"):
            writer.append(closing(0))
        assert writer.pending == 1


class TestLeases:
    def test_the_books_close(self, ledger):
        writer = new_run(ledger)
        writer.lease(lease("w0", 1.0))
        writer.lease(lease("w1", 2.0))
        writer.append(lap(1.0, 2.0))
        writer.append(lap(3.0, 0.5))
        writer.append(lap(2.0, 4.0, worker="w1"))
        writer.release("w0", 3.5, "closed")
        writer.release("w1", 7.0, "closed")
        writer.commit()
        balance = ledger.balance("run").set_index("worker")
        assert balance.loc["w0"].tolist() == [2.5, 2.5, 0.0, True]
        assert balance.loc["w1"].tolist() == [5.0, 4.0, -1.0, True], "a second that nobody posted shows"

    def test_an_open_lease_counts_up_to_its_last_second(self, ledger):
        writer = new_run(ledger)
        writer.lease(lease("w0", 1.0))
        writer.append(lap(1.0, 2.0))
        writer.append(lap(4.0, 1.0))
        writer.append(Entry("stray", 0.0, 3.0, Activity.IDLE))
        writer.commit()
        balance = ledger.balance("run").set_index("worker")
        assert balance.loc["w0"].tolist() == [4.0, 3.0, -1.0, False]
        assert balance.loc["stray"].tolist() == [0.0, 3.0, 3.0, True], "seconds of no lease show"

    def test_a_worker_is_leased_again_under_its_name_with_other_processors(self, ledger):
        writer = new_run(ledger)
        for opened_s, processors in ((0.0, 2), (10.0, 8)):
            writer.lease(lease("w0", opened_s, processors))
            writer.append(lap(opened_s, 3.0))
            writer.release("w0", opened_s + 3.0, "closed")
        writer.commit()
        assert ledger.balance("run")["leased_s"].tolist() == [6.0]
        assert ledger.totals("run", ())["processor_seconds"].tolist() == [3.0 * 2 + 3.0 * 8]
        assert ledger.leases("run")["closed_s"].tolist() == [3.0, 13.0]

    def test_a_lease_is_opened_once_and_released_once(self, ledger):
        writer = new_run(ledger)
        writer.lease(lease("w0"))
        with pytest.raises(ValueError, match="holds a lease already"):
            writer.lease(lease("w0"))
        writer.release("w0", 1.0, "closed")
        with pytest.raises(ValueError, match="holds no lease"):
            writer.release("w0", 1.0, "closed")


class TestResume:
    def test_the_clock_goes_on_where_the_driver_died_and_its_leases_end_there(self, ledger):
        writer = new_run(ledger)
        writer.lease(lease("w0", 1.0))
        writer.lease(lease("w1", 2.0))
        writer.append(lap(1.0, 4.5))
        writer.commit()
        writer.append(lap(5.5, 100.0))
        again = ledger.resume("run")
        assert again.clock_s == 5.5
        leases = ledger.leases("run")
        assert leases["closed_s"].tolist() == [5.5, 2.0]
        assert leases["reason"].tolist() == ["driver gone", "driver gone"]
        balance = ledger.balance("run")
        assert balance["difference_s"].tolist() == [0.0, 0.0]
        assert balance["closed"].all()

    def test_a_correction_lands_on_the_lease_that_the_work_was_done_on(self, ledger):
        writer = new_run(ledger)
        writer.lease(lease("w0", 0.0, processors=4))
        writer.append(lap(0.0, 2.0))
        writer.commit()
        again = ledger.resume("run")
        again.append(lap(0.0, -2.0, forward_flop=-10, backward_flop=-20))
        again.append(lap(0.0, 2.0, activity=Activity.LOST))
        again.commit()
        totals = ledger.totals("run", ["activity"]).set_index("activity")
        assert totals.loc["train", ["seconds", "forward_flop", "backward_flop"]].tolist() == [0.0, 0, 0]
        assert totals.loc["lost", ["seconds", "processor_seconds", "forward_flop"]].tolist() == [2.0, 8.0, 10]
        assert ledger.balance("run")["difference_s"].tolist() == [0.0]

    def test_a_driver_that_still_lives_is_refused(self, ledger):
        old = new_run(ledger)
        old.append(lap(0.0))
        new = ledger.resume("run")
        with pytest.raises(RunTakenOver, match=r"resumed by another driver \(session 2\).*\(session 1\) may not"):
            old.commit()
        new.append(lap(1.0))
        new.commit()
        with pytest.raises(RunTakenOver):
            old.commit()
        assert ledger.frame("run")["start_s"].tolist() == [1.0]

    def test_studies_go_on(self, ledger):
        writer = new_run(ledger)
        study = optuna.create_study(storage=writer.storage(utc), study_name="tpe")
        study.tell(study.ask({"x": optuna.distributions.FloatDistribution(0, 1)}), 1.0)
        running = study.ask()
        writer.append(closing(0))
        writer.commit()
        study.tell(running, 2.0)
        again = ledger.resume("run")
        study = optuna.load_study(storage=again.storage(utc), study_name="tpe")
        assert [trial.state.name for trial in study.trials] == ["COMPLETE", "RUNNING"]
        study.tell(1, 3.0)
        again.commit()
        with pytest.raises(ValueError, match="closing line already"):
            again.append(closing(0))
        seen = optuna.load_study(storage=ledger.storage("run"), study_name="tpe")
        assert [trial.value for trial in seen.trials] == [1.0, 3.0]


class TestOnlookers:
    def test_another_connection_sees_a_study_live_and_cannot_change_it(self, ledger, url):
        writer = new_run(ledger)
        study = optuna.create_study(storage=writer.storage(utc), study_name="tpe")
        writer.commit()
        with Ledger.open(url) as other:
            seen = optuna.load_study(storage=other.storage("run"), study_name="tpe")
            for count in (1, 2):
                study.tell(study.ask(), 0.5)
                assert len(seen.trials) == count - 1, "not before the commit"
                writer.commit()
                assert len(seen.trials) == count
            with pytest.raises(NassimError, match="can only be looked at here"):
                seen.ask()
            assert len(seen.trials) == 2
