"""All kinds of record, by the CRM's own names."""

from crm.base import DECLARED, Record
from crm.records.activities import EmailMessage, Event, Task, VoiceCallTranscript__c
from crm.records.analytics import MetricAlert__c, Report
from crm.records.marketing import (
    Campaign,
    CampaignBrief__c,
    CampaignMember,
    LandingPage__c,
    MarketSegment,
    Territory2,
    UserTerritory2Association,
)
from crm.records.people import Account, Contact, Lead, User
from crm.records.products import Pricebook2, PricebookEntry, Product2, ProductCategory, ProductCategoryProduct
from crm.records.sales import (
    Contract,
    Opportunity,
    OpportunityLineItem,
    Order,
    OrderItem,
    Quote,
    QuoteLineItem,
)
from crm.records.service import Case, CaseComment, CaseHistory__c, Issue__c, Knowledge__kav, LiveChatTranscript
from crm.records.setup import PolicyChange__c, ValidationRule

OBJECTS: dict[str, type[Record]] = dict(DECLARED)

__all__ = [
    "OBJECTS",
    "Account",
    "Campaign",
    "CampaignBrief__c",
    "CampaignMember",
    "Case",
    "CaseComment",
    "CaseHistory__c",
    "Contact",
    "Contract",
    "EmailMessage",
    "Event",
    "Issue__c",
    "Knowledge__kav",
    "LandingPage__c",
    "Lead",
    "LiveChatTranscript",
    "MarketSegment",
    "MetricAlert__c",
    "Opportunity",
    "OpportunityLineItem",
    "Order",
    "OrderItem",
    "PolicyChange__c",
    "Pricebook2",
    "PricebookEntry",
    "Product2",
    "ProductCategory",
    "ProductCategoryProduct",
    "Quote",
    "QuoteLineItem",
    "Record",
    "Report",
    "Task",
    "Territory2",
    "User",
    "UserTerritory2Association",
    "ValidationRule",
    "VoiceCallTranscript__c",
]
