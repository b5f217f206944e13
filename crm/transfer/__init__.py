"""A tenant's records in and out as CSV files in the form of a Salesforce data export."""

from crm.transfer.exporting import export_folder
from crm.transfer.importing import import_folder
from crm.transfer.report import (
    ExportReport,
    ImportReport,
    Problem,
    Progress,
    TenantMissingError,
    TransferError,
)

__all__ = [
    "ExportReport",
    "ImportReport",
    "Problem",
    "Progress",
    "TenantMissingError",
    "TransferError",
    "export_folder",
    "import_folder",
]
