# SPDX-License-Identifier: GPL-2.0-or-later
include %reldir%/localcloud/local.mk
EXTRA_DIST += %reldir%/smart-light.json %reldir%/localcloud.json %reldir%/device_info.json
