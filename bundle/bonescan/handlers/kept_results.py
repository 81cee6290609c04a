"""Results of a patient's earlier scans, kept until those that are compared with them are done."""

from datetime import date

from bonescan.data.follow_up import Visit
from bonescan.errors import ScanError
from bonescan.report.compared import compare_results
from bonescan.report.scan_result import ScanResult


class KeptResults:
    """The results of one patient's scans, as they are read one after the other."""

    def __init__(self) -> None:
        self._chain = 0
        self._results: dict[str, ScanResult] = {}

    def compare(self, result: ScanResult, visit: Visit) -> ScanResult:
        """Return a result compared with the earlier ones that it names, and keep it.

        Raises:
            ScanError: if one of them could not be read, or they do not fit
                (see bonescan.report.compared).
        """
        if visit.chain != self._chain:
            self._chain, self._results = visit.chain, {}
        if missing := [name for name in visit.earlier if name not in self._results]:
            raise ScanError(
                f"its earlier scan must be read first, got a failure of {' and '.join(missing)}; "
                "see the reason there, or leave it out"
            )
        if visit.earlier:
            result = compare_results(
                result,
                [self._results[name] for name in visit.earlier],
                therapy_start=date.fromisoformat(start) if (start := visit.therapy_start) else None,
            )
        self._results[visit.name] = result
        return result
