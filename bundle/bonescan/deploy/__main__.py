"""Run the application: `python -m bonescan.deploy -i STUDY -o OUTPUT -m RUN [--identified]`."""

import sys

from bonescan.deploy.application import BoneScanApplication

IDENTIFIED = "--identified"
"""Lets results name the patient, so that an archive files them with the study."""

if __name__ == "__main__":
    words = [word for word in sys.argv if word != IDENTIFIED]
    BoneScanApplication(words, identified=IDENTIFIED in sys.argv).run()
