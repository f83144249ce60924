"""Which patients does the lab know? Three who never lived, and whose names must never be seen again.

They are stored in, or told by, the lab's servers. A test looks for CANARIES in whatever netwatch wrote:
database, logs, JSON, report, mail, traceback.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# Name, number, date of birth.
STORED = ("ZZCANARY^NETWATCH", "ZZID-NETWATCH", "19030405")
PATIENTS = (("ZZCANARY^ONE", "ZZID-ONE", "19010203"), ("ZZCANARY^TWO", "ZZID-TWO", "19020304"))
# Parts of all of them, dates also as a program that understood them would write them.
CANARIES = (
    "ZZCANARY", "ZZID-", "19010203", "19020304", "19030405", "1901-02-03", "1902-03-04", "1903-04-05",
)  # fmt: skip


def write(path: Path) -> None:
    """A DICOM file of an invented patient: a secondary capture of four grey pixels."""
    from pydicom.dataset import FileDataset, FileMetaDataset  # noqa: PLC0415 - slow to import
    from pydicom.uid import (  # noqa: PLC0415
        ExplicitVRLittleEndian,
        SecondaryCaptureImageStorage,
        generate_uid,
    )

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid(prefix=None)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image = FileDataset(str(path), {}, file_meta=meta, preamble=bytes(128))
    for keyword, value in {
        "SOPClassUID": meta.MediaStorageSOPClassUID,
        "SOPInstanceUID": meta.MediaStorageSOPInstanceUID,
        "StudyInstanceUID": generate_uid(prefix=None),
        "SeriesInstanceUID": generate_uid(prefix=None),
        "PatientName": STORED[0],
        "PatientID": STORED[1],
        "PatientBirthDate": STORED[2],
        "PatientSex": "O",
        "StudyDate": "20200101",
        "StudyTime": "120000",
        "StudyID": "1",
        "SeriesNumber": 1,
        "InstanceNumber": 1,
        "AccessionNumber": "",
        "ReferringPhysicianName": "",
        "Modality": "OT",
        "ConversionType": "WSD",
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": 2,
        "Columns": 2,
        "BitsAllocated": 8,
        "BitsStored": 8,
        "HighBit": 7,
        "PixelRepresentation": 0,
        "PixelData": bytes([0, 85, 170, 255]),
    }.items():
        setattr(image, keyword, value)
    image["PixelData"].VR = "OB"
    image.save_as(path, enforce_file_format=True)
