/* SPDX-License-Identifier: Apache-2.0 */
/* What the views of --at and --refs share. */
#ifndef CS_RENDER_CASE_H
#define CS_RENDER_CASE_H

#include "render.h"

/* A label and what it says, on one line or several; text is safe. */
void cs_render_fact(struct cs_screen *screen, const char *label, const char *text);

/* The heading, and what lies there. */
void cs_render_place(struct cs_screen *screen, const struct cs_report_case *c);

/* The groups that point there, as a tree. */
void cs_render_referrers(struct cs_screen *screen, const struct cs_report_case *c);

/* Limits that were reached. */
void cs_render_notes(struct cs_screen *screen, const struct cs_report_case *c);

#endif
